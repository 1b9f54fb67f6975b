package storetest

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

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
			record(x, seed, o.Steps).check(t)
		})
	}
}

const clients = 10

// record lets the clients do their steps, and gives their history.
func record(x *subject, seed uint64, steps int) *history {
	h := new(history)
	together(clients, func(c int) {
		client := registerClient{Rand: rand.New(rand.NewPCG(seed, uint64(c))), x: x, history: h, number: c, known: make(map[string]int64)}
		for range steps / clients {
			client.step()
			runtime.Gosched() // a store that never blocks would let one client do all its steps at once
		}
	})
	return h
}

// registerInput is what a client asks of a key.
type registerInput struct {
	kind      store.Kind
	key       string
	value     string // of a put
	ifVersion int64  // 0: in any case
}

// registerOutput is what it is told.
type registerOutput struct {
	code    store.Code // "": it was done
	exists  bool       // as read, or as written
	version int64
	value   string
	open    bool // it may have been done, or be done yet
}

// register is the state of a key.
type register struct {
	exists  bool
	version int64
	value   string
}

// history is what clients asked and were told, numbered in real time.
type history struct {
	now atomic.Int64

	mu         sync.Mutex
	operations []porcupine.Operation
}

// registerClient is one client with what it remembers of versions.
type registerClient struct {
	*rand.Rand
	x       *subject
	history *history
	number  int
	writes  int
	known   map[string]int64
}

// step does one random operation and records it.
func (c *registerClient) step() {
	in := registerInput{key: string(rune('a' + c.IntN(5)))}
	switch n := c.IntN(10); {
	case n < 4:
		in.kind = store.Get
	case n < 6:
		in.kind = store.Put
	case n < 9:
		in.kind, in.ifVersion = store.Put, c.known[in.key]
	default:
		in.kind = store.Delete
		if c.IntN(2) == 0 {
			in.ifVersion = c.known[in.key]
		}
	}
	if in.kind == store.Put {
		c.writes++
		in.value = fmt.Sprintf(`"%d-%d"`, c.number, c.writes)
	}
	call := c.history.now.Add(1)
	out := c.ask(in)
	c.history.add(c.number, call, in, out)
	if out.version > 0 {
		c.known[in.key] = out.version
	}
}

// ask does an operation on the store.
func (c *registerClient) ask(in registerInput) registerOutput {
	if in.kind == store.Get {
		read, err := c.x.s.Get(c.x.Context(), []store.Ref{ref(in.key)})
		if err != nil {
			return registerOutput{code: store.CodeOf(err)}
		}
		return shownRegister(read.Entries[0])
	}
	op := store.Op{Kind: in.kind, Ref: ref(in.key)}
	if in.kind == store.Put {
		op.Value = doc(in.value)
	}
	if in.ifVersion > 0 {
		op.If = store.IfVersion(in.ifVersion)
	}
	results, err := c.x.s.Apply(c.x.Context(), store.Batch{Ops: []store.Op{op}})
	if err != nil {
		return registerOutput{code: store.CodeOf(err), open: store.CodeOf(err) == store.Ambiguous}
	}
	return shownRegister(results[0].Entry)
}

func shownRegister(e store.Entry) registerOutput {
	if !e.Exists() {
		return registerOutput{}
	}
	return registerOutput{exists: true, version: e.Version, value: string(e.Value.Data)}
}

// add records an operation that has ended. One that failed for a reason of the
// server's, nothing done, says nothing of the state.
func (h *history) add(client int, call int64, in registerInput, out registerOutput) {
	if out.code.Fault() == store.ServersFault && !out.open {
		return
	}
	ended := h.now.Add(1)
	if out.open {
		ended = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: ended})
}

// check fails the test where no order explains the history.
func (h *history) check(t *testing.T) {
	t.Helper()
	result, info := porcupine.CheckOperationsVerbose(registers(), h.operations, time.Minute)
	if result == porcupine.Ok {
		return
	}
	var page bytes.Buffer
	if err := porcupine.Visualize(registers(), info, &page); err != nil {
		t.Errorf("drawing the history: %v", err)
	}
	save(t, "history.html", page.String())
	t.Fatalf("of %d operations the check says %s: no order explains them", len(h.operations), result)
}

// registers is what a store means to its clients: a register for each key,
// whose version grows by one at each change.
func registers() porcupine.Model {
	return porcupine.Model{
		Partition: byRegister,
		Init:      func() any { return register{} },
		Step: func(state, input, output any) (bool, any) {
			return state.(register).step(input.(registerInput), output.(registerOutput))
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
	}
}

func byRegister(operations []porcupine.Operation) [][]porcupine.Operation {
	byKey := make(map[string][]porcupine.Operation)
	for _, o := range operations {
		key := o.Input.(registerInput).key
		byKey[key] = append(byKey[key], o)
	}
	var parts [][]porcupine.Operation
	for _, part := range byKey {
		parts = append(parts, part)
	}
	return parts
}

// step says whether an answer fits the state, and what the state is then.
func (r register) step(in registerInput, out registerOutput) (fits bool, next register) {
	if in.kind == store.Get {
		if !r.exists {
			return out == registerOutput{}, r
		}
		return out == registerOutput{exists: true, version: r.version, value: r.value}, r
	}
	code := store.Code("")
	if in.ifVersion > 0 && !r.exists {
		code = store.NotFound
	} else if in.ifVersion > 0 && in.ifVersion != r.version {
		code = store.VersionMismatch
	}
	next = r
	switch {
	case code != "":
	case in.kind == store.Put:
		next = register{exists: true, version: r.version + 1, value: in.value}
	case r.exists:
		next = register{version: r.version + 1}
	}
	if out.open {
		return true, next
	}
	if out.code != code || code != "" {
		return out.code == code, next
	}
	return out.exists == next.exists && (!next.exists || out.version == next.version), next
}
