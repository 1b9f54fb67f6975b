package storetest

import (
	"bytes"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"larder/internal/store"
)

// RegisterCall is what a client asks of a key.
type RegisterCall struct {
	Kind      store.Kind // Get, Put or Delete
	Key       string
	Value     string // of a put
	IfVersion int64  // 0: in any case
}

// RegisterAnswer is what it is told.
type RegisterAnswer struct {
	Code    store.Code // "": it was done
	Exists  bool       // as read, or as written
	Version int64      // of what exists
	Value   string     // as read
	Open    bool       // it may have been done, or be done yet
}

// register is the state of a key.
type register struct {
	exists  bool
	version int64
	value   string
}

// RegisterHistory is what clients asked of registers and were told, numbered in real
// time. Its zero value is empty.
type RegisterHistory struct {
	now atomic.Int64

	mu         sync.Mutex
	operations []porcupine.Operation
}

// Now numbers the moment, for a call that is about to be sent.
func (h *RegisterHistory) Now() int64 { return h.now.Add(1) }

// Len is how many operations are recorded.
func (h *RegisterHistory) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.operations)
}

// Add records an operation that has ended, and was called at a moment that Now gave.
// One that failed for a reason of the server's, nothing done, says nothing of the state.
func (h *RegisterHistory) Add(client int, call int64, in RegisterCall, out RegisterAnswer) {
	if out.Code.Fault() == store.ServersFault && !out.Open {
		return
	}
	ended := h.now.Add(1)
	if out.Open {
		ended = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: ended})
}

// Check fails the test where no order explains the history, and saves a drawing of it.
func (h *RegisterHistory) Check(t testing.TB) {
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
			return state.(register).step(input.(RegisterCall), output.(RegisterAnswer))
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
	}
}

func byRegister(operations []porcupine.Operation) [][]porcupine.Operation {
	byKey := make(map[string][]porcupine.Operation)
	for _, o := range operations {
		key := o.Input.(RegisterCall).Key
		byKey[key] = append(byKey[key], o)
	}
	var parts [][]porcupine.Operation
	for _, part := range byKey {
		parts = append(parts, part)
	}
	return parts
}

// step says whether an answer fits the state, and what the state is then.
func (r register) step(in RegisterCall, out RegisterAnswer) (fits bool, next register) {
	if in.Kind == store.Get {
		if !r.exists {
			return out == RegisterAnswer{}, r
		}
		return out == RegisterAnswer{Exists: true, Version: r.version, Value: r.value}, r
	}
	code := store.Code("")
	if in.IfVersion > 0 && !r.exists {
		code = store.NotFound
	} else if in.IfVersion > 0 && in.IfVersion != r.version {
		code = store.VersionMismatch
	}
	next = r
	switch {
	case code != "":
	case in.Kind == store.Put:
		next = register{exists: true, version: r.version + 1, value: in.Value}
	case r.exists:
		next = register{version: r.version + 1}
	}
	if out.Open {
		return true, next
	}
	if out.Code != code || code != "" {
		return out.Code == code, next
	}
	return out.Exists == next.exists && (!next.exists || out.Version == next.version), next
}
