package app

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/net/netutil"

	"larder/internal/config"
)

// What net/http adds to MaxHeaderBytes by itself.
const headerSlop = 4 << 10

// longestWait is what a long poll may ask for, and writeTime what a client may
// take to accept an answer. Streams move their deadline as they go.
const (
	longestWait = time.Minute
	writeTime   = 30 * time.Second
)

// listen opens the port, with a bound on connections.
func listen(ctx context.Context, cfg config.Config) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("LARDER_LISTEN: something listens on %s already; stop it, or choose another port", cfg.Listen)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("LARDER_LISTEN: this user may not listen on %s; choose a port above 1023", cfg.Listen)
	case err != nil:
		return nil, fmt.Errorf("LARDER_LISTEN: %w", err)
	}
	return netutil.LimitListener(l, cfg.MaxConnections), nil
}

func newServer(cfg config.Config, h http.Handler, log zerolog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: cfg.ReadHeaderTimeout,
		ReadTimeout:       cfg.ReadTimeout,
		WriteTimeout:      cfg.ReadTimeout + max(cfg.RequestTimeout, longestWait) + writeTime,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    max(1, int(cfg.MaxHeaderBytes)-headerSlop),
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
		s.err = server.Serve(l)
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
