package operation

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// table is the system table that operations are in. Its keys are their ids.
const table = "_operations"

// Keep is how long an operation that has ended is kept.
const Keep = 7 * 24 * time.Hour

// State is where an operation is in its life.
type State string

// The states. Only Running is not the last.
const (
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Canceled  State = "canceled"
)

// Operation is work that was asked for.
type Operation struct {
	ID       string          `json:"-"`
	Kind     string          `json:"kind"`
	State    State           `json:"state"`
	Request  json.RawMessage `json:"request"`
	Progress Progress        `json:"progress"`
	Result   json.RawMessage `json:"result,omitempty"`  // of one that has ended, also where it failed
	Failure  *Failure        `json:"failure,omitempty"` // of one that failed
	Ending   bool            `json:"ending,omitempty"`  // it was asked to end

	StartedAt time.Time  `json:"started_at"`
	UpdatedAt time.Time  `json:"-"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	Runner    string     `json:"runner,omitempty"` // the instance that runs it; "": none does at the moment

	Saved   json.RawMessage `json:"saved,omitempty"` // of the work, to go on from
	version int64
}

// Progress is how far an operation has come.
type Progress struct {
	Phase string `json:"phase,omitempty"` // what it is at
	Done  int64  `json:"done"`
	Total int64  `json:"total,omitempty"` // 0: nobody knows
}

// Failure is why one failed.
type Failure struct {
	Code   store.Code `json:"code"`
	Detail string     `json:"detail"`
}

// newID makes an id. Later ones come later in the order of keys.
func newID(now time.Time) string {
	return fmt.Sprintf("%011x-%s", now.UnixMilli(), strings.ToLower(rand.Text()[:12]))
}

func refOf(id string) store.Ref { return store.Ref{Table: table, Key: id} }

// parse reads an operation from its entry.
func parse(e store.Entry) (Operation, error) {
	var op Operation
	if err := json.Unmarshal(e.Value.Data, &op); err != nil {
		return op, &store.Error{Code: store.Internal, Ref: e.Ref, Detail: "an operation that is kept can't be read", Err: err}
	}
	op.ID, op.UpdatedAt, op.version = e.Key, e.UpdatedAt, e.Version
	return op, nil
}

// put is the write that keeps an operation as it is now. One that has ended goes in time.
func (op *Operation) put() (store.Op, error) {
	text, err := json.Marshal(op)
	if err != nil {
		return store.Op{}, &store.Error{Code: store.Internal, Err: err}
	}
	v, err := value.Parse(text, value.Limits{MaxBytes: len(text)})
	if err != nil {
		return store.Op{}, err
	}
	write := store.Op{Kind: store.Put, Ref: refOf(op.ID), Value: v, If: store.Precondition{Absent: true}}
	if op.version > 0 {
		write.If = store.IfVersion(op.version)
	}
	if op.State != Running {
		write.Expiry = store.ExpiresIn(Keep)
	}
	return write, nil
}

func failure(err error) *Failure {
	e := store.AsError(err)
	f := &Failure{Code: e.Code, Detail: e.Detail}
	if f.Detail == "" {
		f.Detail = "it failed with " + string(e.Code)
	}
	return f
}
