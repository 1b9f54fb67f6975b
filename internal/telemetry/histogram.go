package telemetry

import (
	"math"
	"sync/atomic"
	"time"
)

// The bounds of a histogram's buckets: ten to a decade, from 10 µs to 100 s.
// They are finer than what is exported, so that quantiles come out well, and
// each exported bound is one of them.
const (
	decades   = 7
	perDecade = 10
	numBounds = decades*perDecade + 1
)

var (
	steps  = [perDecade]int64{10, 12, 15, 20, 25, 30, 40, 50, 65, 80} // µs
	bounds = makeBounds()

	exported = []time.Duration{
		100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
		time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
		10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
		100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
		time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
	}
)

func makeBounds() (all [numBounds]int64) {
	scale := int64(time.Microsecond)
	for d := range decades {
		for i, step := range steps {
			all[d*perDecade+i] = step * scale
		}
		scale *= 10
	}
	all[numBounds-1] = steps[0] * scale
	return all
}

// histogram counts durations. Adding is two atomic additions and, for a new
// longest one, a swap.
type histogram struct {
	buckets [numBounds + 1]atomic.Uint64 // bucket i: over bounds[i-1], up to bounds[i]
	sum     atomic.Int64                 // ns
	longest atomic.Int64                 // ns
}

func (h *histogram) observe(d time.Duration) {
	ns := max(int64(d), 0)
	h.buckets[bucketOf(ns)].Add(1)
	h.sum.Add(ns)
	for {
		old := h.longest.Load()
		if ns <= old || h.longest.CompareAndSwap(old, ns) {
			return
		}
	}
}

// bucketOf finds the first bound that is not below ns. It is sort.Search
// without the calls.
func bucketOf(ns int64) int {
	low, high := 0, numBounds
	for low < high {
		mid := int(uint(low+high) >> 1)
		if bounds[mid] < ns {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// distribution is a histogram at one moment, or several added up.
type distribution struct {
	buckets [numBounds + 1]uint64
	count   uint64
	sum     time.Duration
	longest time.Duration
}

func (d *distribution) add(h *histogram) {
	for i := range h.buckets {
		n := h.buckets[i].Load()
		d.buckets[i] += n
		d.count += n
	}
	d.sum += time.Duration(h.sum.Load())
	d.longest = max(d.longest, time.Duration(h.longest.Load()))
}

// quantile estimates the duration that a share q of all stayed below. Within
// a bucket it interpolates, so it is off by less than the bucket's width: a
// third of the value, or 10 µs where that is more.
func (d *distribution) quantile(q float64) time.Duration {
	if d.count == 0 {
		return 0
	}
	rank := q * float64(d.count)
	var below float64
	for i, n := range d.buckets {
		in := float64(n)
		if n == 0 || below+in < rank {
			below += in
			continue
		}
		var from int64
		if i > 0 {
			from = bounds[i-1]
		}
		to := int64(d.longest)
		if i < numBounds {
			to = min(bounds[i], to)
		}
		return time.Duration(math.Round(float64(from) + float64(to-from)*(rank-below)/in))
	}
	return d.longest
}

func (d *distribution) mean() time.Duration {
	if d.count == 0 {
		return 0
	}
	return d.sum / time.Duration(d.count)
}

// cumulative gives what Prometheus wants: for each exported bound, in seconds,
// how many stayed at or below it.
func (d *distribution) cumulative() map[float64]uint64 {
	counts := make(map[float64]uint64, len(exported))
	var below uint64
	next := 0
	for _, bound := range exported {
		for next < numBounds && bounds[next] <= int64(bound) {
			below += d.buckets[next]
			next++
		}
		counts[bound.Seconds()] = below
	}
	return counts
}
