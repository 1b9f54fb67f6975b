package faults_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// fault is something that breaks, at some time and for some time.
type fault struct {
	name       string
	at, lasts  time.Duration // lasts 0: it is over at once
	begin, end func(t testing.TB)
	touches    []string // what no other fault may touch at the same time
}

func (f fault) String() string {
	return fmt.Sprintf("%5dms +%4dms %s", f.at.Milliseconds(), f.lasts.Milliseconds(), f.name)
}

// schedule is the faults of a run, by when they begin.
type schedule struct {
	seed   uint64
	lasts  time.Duration
	faults []fault
}

func (s schedule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %v:", s.seed, s.lasts)
	for _, f := range s.faults {
		fmt.Fprintf(&b, "\n\t%v", f)
	}
	return b.String()
}

// play has everything break and heal in time, and returns when the run is over and all of
// it whole. A fault that takes its time, as a process does to start, delays those after it.
func (s schedule) play(t *testing.T) {
	t.Helper()
	type event struct {
		at time.Duration
		do func(t testing.TB)
	}
	var events []event
	for _, f := range s.faults {
		events = append(events, event{f.at, f.begin}, event{f.at + f.lasts, f.end})
	}
	slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })
	began := time.Now()
	for _, e := range events {
		wait(t, e.at-time.Since(began))
		e.do(t)
	}
	wait(t, s.lasts-time.Since(began))
}

// kind makes a fault of its kind.
type kind func(c *cluster, r *rand.Rand) fault

// draw makes a schedule of faults that are given and so many more of some kinds, which begin
// and end within a time. Where one would touch what another has broken, another time is drawn, and after some
// tries it is left out.
func (c *cluster) draw(seed uint64, lasts time.Duration, given []fault, count int, kinds ...kind) schedule {
	r := rand.New(rand.NewPCG(seed, 0))
	s := schedule{seed: seed, lasts: lasts, faults: given}
	for n := range count {
		one := kinds[n%len(kinds)]
		for range 20 {
			f := one(c, r)
			f.at = time.Duration(r.Int64N(int64(lasts * 3 / 4)))
			if s.admits(f) {
				s.faults = append(s.faults, f)
				break
			}
		}
	}
	slices.SortStableFunc(s.faults, func(a, b fault) int { return int(a.at - b.at) })
	return s
}

// admits says whether a fault touches nothing that is broken at the time.
func (s schedule) admits(f fault) bool {
	for _, other := range s.faults {
		apart := f.at > other.at+other.lasts || other.at > f.at+f.lasts
		if !apart && slices.ContainsFunc(f.touches, func(what string) bool { return slices.Contains(other.touches, what) }) {
			return false
		}
	}
	return true
}

// between draws a time.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)))
}
