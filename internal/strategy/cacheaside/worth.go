package cacheaside

import "sync/atomic"

// worth says whether it is worth while to ask the cache for what the memory has not.
// Where hardly any answer of late has been a copy, as when each entry is read but once,
// or this process reads alone and has in its memory what it has put in the cache, most
// reads go straight to the primary. Some ask all the same, and notice when that changes.
type worth struct {
	found atomic.Int32 // an average of late, in 1/worthAll
	asks  atomic.Uint32
}

const (
	worthAll    = 1 << 16
	worthSpan   = 64            // answers that the average looks back over, or so
	worthLeast  = worthAll / 20 // of answers that have to be copies
	worthSample = 16            // one in so many asks all the same
)

func (w *worth) begin() { w.found.Store(worthAll) }

// ask says whether to ask.
func (w *worth) ask() bool {
	return w.found.Load() >= worthLeast || w.asks.Add(1)%worthSample == 0
}

// told takes note of an answer. That of two at once one may be lost does not matter.
func (w *worth) told(held bool) {
	found := w.found.Load()
	if held {
		found += (worthAll - found) / worthSpan
	} else {
		found -= found / worthSpan
	}
	w.found.Store(found)
}
