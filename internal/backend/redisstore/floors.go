package redisstore

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"larder/internal/store"
)

// floors are the versions that this process knows of, by entry: what it has written
// or read in the last while. A cached entry below its floor is not served. So what
// has been written is seen at once, and nobody sees time go back.
//
// No copy is served that is not shown to be no older than some age, so a floor has to
// be remembered no longer than that.
type floors struct {
	age   time.Duration
	made  time.Time
	seed  maphash.Seed
	parts [64]floorsPart
}

// floorsPart holds two spans of time, each as long as that age: in the second of them
// the first is still needed.
type floorsPart struct {
	// raised is when a floor was raised last, in ns since the floors were made; where
	// that is too long ago to matter, nobody need look at the rest.
	raised atomic.Int64

	mu       sync.RWMutex
	began    time.Time
	now, old map[store.Ref]int64
	// all says until when no copies are served, since there were too many floors to
	// remember.
	all time.Time
}

// mostFloors bounds the floors of a part in a span.
const mostFloors = 2 << 10

func newFloors(age time.Duration) *floors {
	return &floors{age: age, made: time.Now(), seed: maphash.MakeSeed()}
}

func (f *floors) part(ref store.Ref) *floorsPart {
	return &f.parts[maphash.String(f.seed, ref.Key)%uint64(len(f.parts))]
}

// raise has no copy of the entry be served that is older than the version.
func (f *floors) raise(ref store.Ref, version int64, now time.Time) {
	p := f.part(ref)
	p.raised.Store(int64(now.Sub(f.made)) + 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.began) > f.age {
		if p.old = p.now; now.Sub(p.began) > 2*f.age {
			p.old = nil
		}
		p.now, p.began = make(map[store.Ref]int64), now
	}
	if len(p.now) >= mostFloors {
		p.all = now.Add(f.age)
		return
	}
	if version > p.now[ref] {
		p.now[ref] = version
	}
}

// of gives the floor of an entry, 0 where there is none; closed says that no copy is
// to be served at all.
func (f *floors) of(ref store.Ref, now time.Time) (version int64, closed bool) {
	p := f.part(ref)
	if raised := p.raised.Load(); raised == 0 || int64(now.Sub(f.made))-raised > 2*int64(f.age) {
		return 0, false
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return max(p.now[ref], p.old[ref]), now.Before(p.all)
}
