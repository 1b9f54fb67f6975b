// Package bench measures the whole of larder from outside, as ratios against
// the least that could do the same work, both in one run. README.md beside it
// has the figures and says how to repeat them.
package bench
