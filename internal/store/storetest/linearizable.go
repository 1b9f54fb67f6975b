package storetest

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"larder/internal/store"
)

// Linearizable lets ten clients read, write, compare and swap, and delete five
// keys of one store, and has the history checked: there has to be one order of
// all that was done which explains every answer and never sets what began
// later before what had ended (Herlihy and Wing 1990). Steps of o counts the
// operations of all clients; 2,000 where it is 0.
func Linearizable(t *testing.T, h Harness, o Random) {
	t.Helper()
	if o.Steps == 0 {
		o.Steps = 2000
	}
	o = o.withDefaults(t)
	for run := range o.Runs {
		seed := o.Seed + uint64(run)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			x := h.subject(t)
			record(x, seed, o.Steps).Check(t)
		})
	}
}

const clients = 10

// record lets the clients do their steps, and gives their history.
func record(x *subject, seed uint64, steps int) *RegisterHistory {
	h := new(RegisterHistory)
	together(clients, func(c int) {
		client := registerClient{Rand: rand.New(rand.NewPCG(seed, uint64(c))), x: x, history: h, number: c, known: make(map[string]int64)}
		for range steps / clients {
			client.step()
			runtime.Gosched() // a store that never blocks would let one client do all its steps at once
		}
	})
	return h
}

// registerClient is one client with what it remembers of versions.
type registerClient struct {
	*rand.Rand
	x       *subject
	history *RegisterHistory
	number  int
	writes  int
	known   map[string]int64
}

// step does one random operation and records it.
func (c *registerClient) step() {
	in := RegisterCall{Key: string(rune('a' + c.IntN(5)))}
	switch n := c.IntN(10); {
	case n < 4:
		in.Kind = store.Get
	case n < 6:
		in.Kind = store.Put
	case n < 9:
		in.Kind, in.IfVersion = store.Put, c.known[in.Key]
	default:
		in.Kind = store.Delete
		if c.IntN(2) == 0 {
			in.IfVersion = c.known[in.Key]
		}
	}
	if in.Kind == store.Put {
		c.writes++
		in.Value = fmt.Sprintf(`"%d-%d"`, c.number, c.writes)
	}
	call := c.history.Now()
	out := c.ask(in)
	c.history.Add(c.number, call, in, out)
	if out.Version > 0 {
		c.known[in.Key] = out.Version
	}
}

// ask does an operation on the store.
func (c *registerClient) ask(in RegisterCall) RegisterAnswer {
	if in.Kind == store.Get {
		read, err := c.x.s.Get(c.x.Context(), []store.Ref{ref(in.Key)})
		if err != nil {
			return RegisterAnswer{Code: store.CodeOf(err)}
		}
		return shownRegister(read.Entries[0])
	}
	op := store.Op{Kind: in.Kind, Ref: ref(in.Key)}
	if in.Kind == store.Put {
		op.Value = doc(in.Value)
	}
	if in.IfVersion > 0 {
		op.If = store.IfVersion(in.IfVersion)
	}
	results, err := c.x.s.Apply(c.x.Context(), store.Batch{Ops: []store.Op{op}})
	if err != nil {
		return RegisterAnswer{Code: store.CodeOf(err), Open: store.CodeOf(err) == store.Ambiguous}
	}
	return shownRegister(results[0].Entry)
}

func shownRegister(e store.Entry) RegisterAnswer {
	if !e.Exists() {
		return RegisterAnswer{}
	}
	return RegisterAnswer{Exists: true, Version: e.Version, Value: string(e.Value.Data)}
}
