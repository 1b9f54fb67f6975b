package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
)

// Random says how much random tests do. The zero value is a quick run.
type Random struct {
	Steps int    // operations, reads and the like in one run; 400
	Runs  int    // runs, each on new stores; 1
	Seed  uint64 // of the first run, the next takes the next; 0: see [Seed]
}

func (o Random) withDefaults(t testing.TB) Random {
	t.Helper()
	o.Steps, o.Runs = cmp.Or(o.Steps, 400), cmp.Or(o.Runs, 1)
	if o.Seed == 0 {
		o.Seed = Seed(t)
	}
	return o
}

// Differential does random operations of every kind on a store and on the
// model side by side, and compares every answer: codes, entries, bytes. Where
// they differ it looks for fewer operations that make the same difference,
// and saves them.
func Differential(t *testing.T, h Harness, o Random) {
	t.Helper()
	Cross(t, modelBeside(h), h, o)
}

// modelBeside is a harness for the model that has no more than h has.
func modelBeside(h Harness) Harness {
	m := ModelHarness()
	m.Without = h.Without
	if h.Advance == nil {
		m = Harness{Open: func(testing.TB) store.Store { return NewModel(ModelOptions{}) }, Without: h.Without}
	}
	return m
}

// Cross does the same random operations on two stores and compares every
// answer. Where the first is right by definition it is the model.
func Cross(t *testing.T, first, second Harness, o Random) {
	t.Helper()
	o = o.withDefaults(t)
	pair := pair{first, second}
	for run := range o.Runs {
		seed := o.Seed + uint64(run)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			steps := pair.generate(t, seed, o.Steps)
			at, difference := pair.play(t, steps)
			if difference == nil {
				return
			}
			steps, difference = pair.shrink(t, steps[:at+1], difference)
			save(t, "steps.txt", list(seed, steps, difference))
			t.Fatalf("seed %d: after %d steps that are enough for it, the last being\n\t%s\n%v", seed, len(steps), steps[len(steps)-1], difference)
		})
	}
}

// pair is two stores that should behave the same.
type pair [2]Harness

func (p pair) generate(t *testing.T, seed uint64, count int) []step {
	t.Helper()
	g := newGenerator(rand.New(rand.NewPCG(seed, 0)), p.traits(t))
	steps := make([]step, count)
	for i := range steps {
		steps[i] = g.step()
	}
	return steps
}

// traits says what both stores can do.
func (p pair) traits(t *testing.T) map[Topic]bool {
	t.Helper()
	can := make(map[Topic]bool)
	a, b := p[0].probe(t), p[1].probe(t)
	for _, topic := range []Topic{Queries, Indexes, UniqueIndexes, Together, Install, WholeFeed, DefaultTTL, ChangedEnds, clock, reopening} {
		can[topic] = !p[0].lacks(topic, a) && !p[1].lacks(topic, b)
	}
	can[reopening] = p[1].Reopen != nil
	return can
}

// play does the steps on new stores, up to the first difference, and says
// which step made it.
func (p pair) play(t *testing.T, steps []step) (at int, difference error) {
	t.Helper()
	player := newPlayer(t, p)
	defer player.close()
	for i, s := range steps {
		if err := s.play(player); err != nil {
			return i, err
		}
	}
	if err := player.compareAll(); err != nil {
		return len(steps) - 1, fmt.Errorf("in the end: %w", err)
	}
	return 0, nil
}

// shrink leaves out what is not needed for a difference, in ever smaller
// pieces, as long as there is time.
func (p pair) shrink(t *testing.T, steps []step, difference error) ([]step, error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for size := len(steps) / 2; size > 0; size /= 2 {
		for from := 0; from+size <= len(steps) && time.Now().Before(deadline); {
			fewer := slices.Concat(steps[:from], steps[from+size:])
			if len(fewer) == 0 {
				break
			}
			at, err := p.play(t, fewer)
			if err == nil {
				from += size
				continue
			}
			steps, difference = fewer[:at+1], err
		}
	}
	return steps, difference
}

func list(seed uint64, steps []step, difference error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d\n", seed)
	for i, s := range steps {
		fmt.Fprintf(&b, "%4d %s\n", i, s)
	}
	fmt.Fprintf(&b, "%v\n", difference)
	return b.String()
}
