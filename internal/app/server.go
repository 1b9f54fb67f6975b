package app

import (
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/config"
	"larder/internal/httpapi"
)

// What net/http adds to MaxHeaderBytes by itself.
const headerSlop = 4 << 10

// longestWait is what a long poll may ask for, and writeTime what a client may
// take to accept an answer. Streams move their deadline as they go.
const (
	longestWait = time.Minute
	writeTime   = 30 * time.Second
)

func newServer(cfg config.Config, h http.Handler, log zerolog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: cfg.ReadHeaderTimeout,
		ReadTimeout:       cfg.ReadTimeout,
		WriteTimeout:      cfg.ReadTimeout + max(cfg.RequestTimeout, longestWait) + writeTime,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    max(1, int(cfg.MaxHeaderBytes)-headerSlop),
		ConnContext:       httpapi.ConnContext,
		ConnState:         httpapi.ConnState,
		ErrorLog:          stdlog.New(serverLog{log}, "", 0),
	}
}

// serving is a server at work.
type serving struct {
	done chan struct{}
	err  error // set before done is closed
}

func serve(server *http.Server, l net.Listener) *serving {
	s := &serving{done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.err = server.Serve(httpapi.Tap(l))
	}()
	return s
}

// wait gives what ended the serving, nil where the server was closed.
func (s *serving) wait() error {
	<-s.done
	if errors.Is(s.err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("stopped serving: %w", s.err)
}

// serverLog takes what net/http has to say. Most of it is about clients.
type serverLog struct{ log zerolog.Logger }

// Write logs one message.
func (s serverLog) Write(line []byte) (int, error) {
	s.log.Debug().Str("source", "net/http").Msg(strings.TrimSpace(string(line)))
	return len(line), nil
}

// door is the handler in front, which can be changed while requests come in.
type door struct{ behind atomic.Pointer[http.Handler] }

func newDoor(h http.Handler) *door {
	d := &door{}
	d.open(h)
	return d
}

func (d *door) open(h http.Handler) { d.behind.Store(&h) }

// ServeHTTP hands on to whatever is behind the door now.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*d.behind.Load()).ServeHTTP(w, r)
}
