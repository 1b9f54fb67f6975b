package store

import (
	"context"
	"sync"
)

// eachWidth is how many operations ApplyEach has under way at once: enough
// for a backend that gathers what arrives together to gather well.
const eachWidth = 128

// Outcome is what one operation of many independent ones came to.
type Outcome struct {
	Result
	Err error
}

// ApplyEach does the operations of b each by itself, one's failure stopping no
// other. Those on the same key are done in their order; in a dry run, which
// leaves nothing for the next to see, they must not be there (Conflicts).
// Outcomes are in the order of the operations; it returns when all are known.
//
// Operations that only read, on keys that nothing here writes, are read
// together, as long as no slot of theirs fails.
func ApplyEach(ctx context.Context, s Store, b Batch) []Outcome {
	ops := b.Ops
	outcomes := make([]Outcome, len(ops))
	reads, chains := arrange(ops)

	var wg sync.WaitGroup
	slots := make(chan struct{}, eachWidth)
	if len(reads) > 0 {
		wg.Go(func() { readEach(ctx, s, ops, reads, outcomes) })
	}
	for _, chain := range chains {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for _, i := range chain {
				outcomes[i] = applyOne(ctx, s, Batch{Ops: ops[i : i+1], DryRun: b.DryRun})
			}
		})
	}
	wg.Wait()
	return outcomes
}

// arrange splits the operations by index: plain reads of keys that are not
// written, and for every other key what is to be done on it, in order.
func arrange(ops []Op) (reads []int, chains [][]int) {
	byRef := make(map[Ref][]int, len(ops))
	for i := range ops {
		byRef[ops[i].Ref] = append(byRef[ops[i].Ref], i)
	}
	for i := range ops {
		chain := byRef[ops[i].Ref]
		if chain[0] != i {
			continue
		}
		if onlyReads(ops, chain) {
			reads = append(reads, chain...)
		} else {
			chains = append(chains, chain)
		}
	}
	return reads, chains
}

func onlyReads(ops []Op, chain []int) bool {
	for _, i := range chain {
		if op := &ops[i]; op.Kind != Get || !op.If.IsZero() || op.Ref.Validate() != nil {
			return false
		}
	}
	return true
}

func readEach(ctx context.Context, s Store, ops []Op, reads []int, outcomes []Outcome) {
	refs := make([]Ref, len(reads))
	for n, i := range reads {
		refs[n] = ops[i].Ref
	}
	read, err := s.Get(ctx, refs)
	if err != nil && len(reads) > 1 && AsError(err).Ref != (Ref{}) {
		readAlone(ctx, s, ops, reads, outcomes)
		return
	}
	for n, i := range reads {
		if err != nil {
			outcomes[i].Err = err
			continue
		}
		outcomes[i].Entry = read.Entries[n]
	}
}

// readAlone reads each by itself, where what fails of some does not of others.
func readAlone(ctx context.Context, s Store, ops []Op, reads []int, outcomes []Outcome) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, eachWidth)
	for n := range reads {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			readEach(ctx, s, ops, reads[n:n+1], outcomes)
		})
	}
	wg.Wait()
}

func applyOne(ctx context.Context, s Store, b Batch) Outcome {
	results, err := s.Apply(ctx, b)
	if err != nil {
		return Outcome{Err: err}
	}
	return Outcome{Result: results[0]}
}
