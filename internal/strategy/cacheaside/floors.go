package cacheaside

import (
	"hash/maphash"
	"sync"

	"larder/internal/store"
)

// floors say how new a copy has to be: for each key, the newest version that is known.
//
// They are remembered by a hash of the key's name. Two keys of one hash have the higher
// floor of both, which costs a read of the primary now and then, and is never wrong.
type floors struct {
	seed   maphash.Seed
	most   int // in one span of a shard
	shards [floorShards]floorShard
}

const floorShards = 64

// floorShard holds the floors of some of the keys.
//
// What the feed has brought is in two spans. When the second is full the first is
// forgotten, and with it all copies from before the second began.
//
// What this process has written or read itself is remembered until the feed has brought
// it too, which a read of the feed that begins afterwards has done: so until that has
// ended.
type floorShard struct {
	mu       sync.RWMutex
	since    store.Horizon // where the first span began: all floors since then are known
	mid      store.Horizon // where the second began
	first    map[uint64]int64
	second   map[uint64]int64
	seen     map[uint64]int64 // since the read of the feed that is under way began, or will
	seenLast map[uint64]int64 // before that
}

func newFloors(most int) *floors {
	return &floors{seed: maphash.MakeSeed(), most: most / floorShards}
}

// of finds the shard and the hash of a key.
func (f *floors) of(ref store.Ref) (*floorShard, uint64) {
	h := maphash.String(f.seed, ref.Key) ^ maphash.String(f.seed, ref.Table)*0x9e3779b97f4a7c15
	return &f.shards[h%floorShards], h
}

// raise takes note of a change that the feed has brought.
func (f *floors) raise(ref store.Ref, version int64) {
	s, h := f.of(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	if version > s.second[h] {
		if s.second == nil {
			s.second = make(map[uint64]int64)
		}
		s.second[h] = version
	}
}

// see takes note of a version that this process has written or read.
func (f *floors) see(ref store.Ref, version int64) {
	if version == 0 {
		return // which is below nothing
	}
	s, h := f.of(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	if version > s.seen[h] {
		if s.seen == nil {
			s.seen = make(map[uint64]int64)
		}
		s.seen[h] = version
	}
}

// floor is how new a copy has to be by its version, and by its horizon.
func (f *floors) floor(ref store.Ref) (version int64, since store.Horizon) {
	s, h := f.of(ref)
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, known := range [...]map[uint64]int64{s.first, s.second, s.seen, s.seenLast} {
		if len(known) > 0 {
			version = max(version, known[h])
		}
	}
	return version, s.since
}

// begin is for the moment before the feed is read.
func (f *floors) begin() {
	for i := range f.shards {
		s := &f.shards[i]
		s.mu.Lock()
		if len(s.seenLast) == 0 {
			s.seen, s.seenLast = s.seenLast, s.seen
		} else { // the last read failed
			for h, version := range s.seen {
				s.seenLast[h] = max(s.seenLast[h], version)
			}
			clear(s.seen)
		}
		s.mu.Unlock()
	}
}

// end is for the moment after the feed has been read up to a horizon, with all that was
// there before begin.
func (f *floors) end(upTo store.Horizon) {
	for i := range f.shards {
		s := &f.shards[i]
		s.mu.Lock()
		clear(s.seenLast)
		if len(s.second) > f.most {
			s.first, s.second = s.second, nil
			s.since, s.mid = s.mid, upTo
		}
		s.mu.Unlock()
	}
}

// reset forgets what the feed has brought: it is read from a horizon on.
func (f *floors) reset(from store.Horizon) {
	for i := range f.shards {
		s := &f.shards[i]
		s.mu.Lock()
		s.first, s.second = nil, nil
		s.since, s.mid = from, from
		s.mu.Unlock()
	}
}
