package cacheaside

import (
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

// flight is one load. Its outcome is set before its channel is closed, and that is made by
// the first who waits: most loads nobody waits for.
type flight struct {
	done chan struct{}
	read store.Read
	err  error
}

// join gives the load of an entry that is under way, to wait for, or begins one for the
// caller to lead, who then has to leave it.
func (f *flights) join(ref store.Ref) (one *flight, leads bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, found := f.underway[ref]; found {
		if one.done == nil {
			one.done = make(chan struct{})
		}
		return one, false
	}
	if f.underway == nil {
		f.underway = make(map[store.Ref]*flight)
	}
	one = new(flight)
	f.underway[ref] = one
	return one, true
}

// leave ends a load. Who comes now begins another.
func (f *flights) leave(ref store.Ref, one *flight, read store.Read, err error) {
	one.read, one.err = read, err
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.underway, ref)
	if one.done != nil {
		close(one.done)
	}
}
