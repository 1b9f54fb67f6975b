package redisstore

import (
	"strconv"
	"sync/atomic"
)

// highest is the highest of numbers seen by many.
type highest struct{ n atomic.Int64 }

func (h *highest) raise(to int64) {
	for {
		n := h.n.Load()
		if n >= to || h.n.CompareAndSwap(n, to) {
			return
		}
	}
}

// seen is what a script that writes is told of the other shards' sequences.
func (s *Store) seen(l *link) string {
	if len(l.shards) == 1 {
		return "0" // there are none
	}
	return strconv.FormatInt(s.sequence.n.Load(), 10)
}
