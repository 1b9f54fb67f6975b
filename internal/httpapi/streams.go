package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"larder/internal/store"
)

// writeTime is how long a client may take to accept one piece of a stream.
const writeTime = 30 * time.Second

// streams are the requests that live long: event streams, lines, long polls.
type streams struct {
	most    int
	running sync.WaitGroup

	mu    sync.Mutex
	open  map[*context.CancelFunc]struct{}
	ended bool
}

func newStreams(most int) *streams {
	return &streams{most: most, open: make(map[*context.CancelFunc]struct{})}
}

// begin admits a stream, whose context ends when the client goes or the
// server stops. done has to be called in the end.
func (s *streams) begin(ctx context.Context) (streaming context.Context, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil, nil, &store.Error{Code: stopping, Detail: "the gateway is stopping; another one may answer"}
	}
	if len(s.open) >= s.most {
		return nil, nil, &store.Error{Code: tooManyStreams, Detail: "as many streams are open as this gateway allows"}
	}
	streaming, cancel := context.WithCancel(ctx)
	s.open[&cancel] = struct{}{}
	s.running.Add(1)
	return streaming, func() {
		cancel()
		s.mu.Lock()
		delete(s.open, &cancel)
		s.mu.Unlock()
		s.running.Done()
	}, nil
}

// end ends all streams and admits no more.
func (s *streams) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for cancel := range s.open {
		(*cancel)()
	}
}

func (s *streams) close() {
	s.end()
	s.running.Wait()
}

// pieces writes a stream's answer piece by piece, each within writeTime
// whatever deadline the server has for whole answers.
type pieces struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// newPieces begins a stream's answer. From then on its client sets the pace.
func newPieces(w http.ResponseWriter, mediaType string) *pieces {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies that buffer would hold events back
	exchangeOf(w).pause()
	return &pieces{w: w, control: http.NewResponseController(w)}
}

func (p *pieces) write(data []byte) error {
	if err := p.extend(); err != nil {
		return err
	}
	_, err := p.w.Write(data)
	return err
}

func (p *pieces) flush() error {
	if err := p.extend(); err != nil {
		return err
	}
	return p.control.Flush()
}

func (p *pieces) extend() error {
	return p.control.SetWriteDeadline(time.Now().Add(writeTime))
}

// end writes the last piece.
func (p *pieces) end(text string) error {
	if err := p.write([]byte(text)); err != nil {
		return err
	}
	return p.flush()
}

// retryLine asks the clients of an event stream to wait before they reconnect.
func retryLine(d time.Duration) []byte {
	return []byte("retry: " + strconv.FormatInt(d.Milliseconds(), 10) + "\n\n")
}

// countStream counts a stream as open until what it gives is called.
func (a *API) countStream(r *http.Request) (closed func()) {
	observation := a.routes.of(chi.RouteContext(r.Context())).observation
	observation.StreamOpened()
	return observation.StreamClosed
}
