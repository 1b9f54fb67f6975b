package cacheaside

import (
	"errors"
	"sync"

	"larder/internal/store"
)

// flights has one reader at a time load an entry, while the others wait for him. The
// leader loads by his own context, in his own goroutine: a miss that is alone, as most
// are, costs no more for it. golang.org/x/sync/singleflight has the others wait beyond
// their contexts, or starts a goroutine for each.
type flights struct {
	mu       sync.Mutex
	underway map[store.Ref]*flight
}

// flight is one load.
type flight struct {
	done chan struct{} // closed once the rest is set
	read store.Read
	err  error
}

// errAbandoned is the end of a flight whose leader has panicked.
var errAbandoned = errors.New("the load was abandoned")

// join gives the load of an entry that is under way, or begins one for the caller to
// lead, who then has to leave it.
func (f *flights) join(ref store.Ref) (one *flight, leads bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, found := f.underway[ref]; found {
		return one, false
	}
	if f.underway == nil {
		f.underway = make(map[store.Ref]*flight)
	}
	one = &flight{done: make(chan struct{}), err: errAbandoned}
	f.underway[ref] = one
	return one, true
}

// leave ends a load. Who comes now begins another.
func (f *flights) leave(ref store.Ref, one *flight, read store.Read, err error) {
	one.read, one.err = read, err
	f.mu.Lock()
	delete(f.underway, ref)
	f.mu.Unlock()
	close(one.done)
}
