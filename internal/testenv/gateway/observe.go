package gateway

import (
	"bytes"
	"strings"
	"sync"
	"time"

	"larder/internal/httpapi"
)

// Requests counts what was answered.
type Requests struct {
	mu       sync.Mutex
	statuses map[string][]int // by operation, in their order
	streams  map[string]int   // open now
}

var _ httpapi.Observer = (*Requests)(nil)

// NewRequests has counted none.
func NewRequests() *Requests {
	return &Requests{statuses: make(map[string][]int), streams: make(map[string]int)}
}

// Operation implements [httpapi.Observer].
func (r *Requests) Operation(name string) httpapi.Observation { return &requestsFor{r, name} }

// Statuses lists the statuses of an operation's answers.
func (r *Requests) Statuses(operation string) []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int(nil), r.statuses[operation]...)
}

// Streams is how many of an operation's streams are open.
func (r *Requests) Streams(operation string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.streams[operation]
}

type requestsFor struct {
	all  *Requests
	name string
}

func (r *requestsFor) Observe(status int, _ time.Duration, _, _ int64) {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	r.all.statuses[r.name] = append(r.all.statuses[r.name], status)
}

func (r *requestsFor) StreamOpened() { r.count(1) }
func (r *requestsFor) StreamClosed() { r.count(-1) }

func (r *requestsFor) count(n int) {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	r.all.streams[r.name] += n
}

// Log keeps what was logged.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes in a line.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Lines lists what was logged, JSON each.
func (l *Log) Lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.FieldsFunc(l.text.String(), func(r rune) bool { return r == '\n' })
}
