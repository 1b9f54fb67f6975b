package bench

import (
	"slices"
	"testing"
	"time"
)

// rounds is how often two contestants take turns. The machine's moods change
// by the second, so each round measures both, and the median ratio counts.
const rounds = 5

// contestant does n units of work and returns when they are done.
type contestant func(b *testing.B, n int)

// compare lets base and subject take turns at the same work and reports units
// a second of both, and the ratio.
func compare(b *testing.B, perRound int, base, subject contestant) {
	b.Helper()
	var ratios, baseRates, subjectRates []float64
	for range rounds {
		before := rate(b, perRound, base)
		after := rate(b, perRound, subject)
		baseRates, subjectRates = append(baseRates, before), append(subjectRates, after)
		ratios = append(ratios, after/before)
	}
	b.ReportMetric(median(baseRates), "base/s")
	b.ReportMetric(median(subjectRates), "larder/s")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(0, "ns/op") // one iteration is the whole comparison; its time says nothing
}

func rate(b *testing.B, n int, work contestant) float64 {
	b.Helper()
	start := time.Now()
	work(b, n)
	return float64(n) / time.Since(start).Seconds()
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
