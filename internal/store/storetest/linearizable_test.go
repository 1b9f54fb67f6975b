package storetest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"larder/internal/store"
)

func TestLinearizableFindsFaults(t *testing.T) {
	for name, wrap := range map[string]func(m *Model) store.Store{
		"some reads are of before": func(m *Model) store.Store {
			var reads atomic.Int64
			old := store.Read{Entries: make([]store.Entry, 1)}
			return &wrong{Model: m, get: func(ctx context.Context, refs []store.Ref) (store.Read, error) {
				if reads.Add(1)%50 == 0 {
					old.Entries[0].Ref = refs[0]
					return old, nil
				}
				return m.Get(ctx, refs)
			}}
		},
		"some writes are lost": func(m *Model) store.Store {
			var writes atomic.Int64
			return &wrong{Model: m, apply: func(ctx context.Context, b store.Batch) ([]store.Result, error) {
				b.DryRun = writes.Add(1)%50 == 0
				return m.Apply(ctx, b)
			}}
		},
		"two may swap the same version": eachOp(func(op *store.Op) {
			if len(op.If.Versions) > 0 {
				op.If = store.Precondition{Exists: true}
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			h := ModelHarness()
			open := h.Open
			h.Open = func(t testing.TB) store.Store { return wrap(open(t).(*Model)) }
			history := record(h.subject(t), Seed(t), 1000)
			if result := porcupine.CheckOperationsTimeout(registers(), history.operations, time.Minute); result != porcupine.Illegal {
				t.Errorf("the check says %s", result)
			}
		})
	}
}

// TestOpenOutcome holds the check to what an answer that never came may mean.
func TestOpenOutcome(t *testing.T) {
	write := RegisterCall{Kind: store.Put, Key: "a", Value: "1"}
	read := RegisterCall{Kind: store.Get, Key: "a"}
	unknown := RegisterAnswer{Code: store.Ambiguous, Open: true}
	absent, written := RegisterAnswer{}, RegisterAnswer{Exists: true, Version: 1, Value: "1"}
	for _, test := range []struct {
		name  string
		reads []RegisterAnswer
		want  porcupine.CheckResult
	}{
		{"it was never done", []RegisterAnswer{absent, absent}, porcupine.Ok},
		{"it was done", []RegisterAnswer{written, written}, porcupine.Ok},
		{"it was done late", []RegisterAnswer{absent, written}, porcupine.Ok},
		{"it was done and undone", []RegisterAnswer{written, absent}, porcupine.Illegal},
	} {
		var h RegisterHistory
		h.Add(0, h.Now(), write, unknown)
		h.Add(1, h.Now(), write, RegisterAnswer{Code: store.Unavailable})
		for _, out := range test.reads {
			h.Add(1, h.Now(), read, out)
		}
		if got := porcupine.CheckOperationsTimeout(registers(), h.operations, time.Minute); got != test.want {
			t.Errorf("%s: the check says %s", test.name, got)
		}
	}
}
