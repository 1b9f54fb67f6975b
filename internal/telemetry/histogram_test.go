package telemetry

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBoundsGrow(t *testing.T) {
	if !slices.IsSorted(bounds[:]) {
		t.Errorf("bounds are not in order: %v", bounds)
	}
	for _, e := range exported {
		if !slices.Contains(bounds[:], int64(e)) {
			t.Errorf("%v is exported and no bound", e)
		}
	}
	if got := time.Duration(bounds[numBounds-1]); got != 100*time.Second {
		t.Errorf("the last bound is %v", got)
	}
}

func TestBucketHoldsItsDurations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.Int64Range(0, int64(1000*time.Second)).Draw(t, "ns")
		b := bucketOf(ns)
		if b > 0 && ns <= bounds[b-1] {
			t.Fatalf("%d ns lies in a bucket over %d", ns, bounds[b-1])
		}
		if b < numBounds && ns > bounds[b] {
			t.Fatalf("%d ns lies in a bucket up to %d", ns, bounds[b])
		}
	})
}

func TestQuantilesAreNear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.SliceOfN(rapid.IntRange(11, 100_000_000), 1, 300).Draw(t, "micros")
		q := rapid.SampledFrom([]float64{0.5, 0.9, 0.99, 1}).Draw(t, "q")
		var h histogram
		for _, us := range micros {
			h.observe(time.Duration(us) * time.Microsecond)
		}
		var d distribution
		d.add(&h)

		slices.Sort(micros)
		rank := max(int(q*float64(len(micros))+0.999999)-1, 0)
		exact := time.Duration(micros[rank]) * time.Microsecond
		got := d.quantile(q)
		if off := (got - exact).Abs(); off > exact/3+time.Microsecond {
			t.Fatalf("quantile %v is %v, exactly %v", q, got, exact)
		}
		if d.longest != time.Duration(micros[len(micros)-1])*time.Microsecond {
			t.Fatalf("the longest is %v", d.longest)
		}
		if got > d.longest {
			t.Fatalf("quantile %v, %v, is over the longest, %v", q, got, d.longest)
		}
	})
}

func TestEmptyHistogram(t *testing.T) {
	var d distribution
	if d.quantile(0.99) != 0 || d.mean() != 0 {
		t.Errorf("got %v and %v of nothing", d.quantile(0.99), d.mean())
	}
}
