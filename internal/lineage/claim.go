package lineage

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// claimRef is where a member keeps the claim. Like all in this table it is a member's own.
var claimRef = store.Ref{Table: "_epochs", Key: "primary"}

// Claim says who decides in whose place. Its zero value: nobody was ever promoted.
type Claim struct {
	Epoch    int64   `json:"epoch"`    // one more at each promotion
	Revision int64   `json:"revision"` // one more for each fence that was lifted in the epoch
	Primary  string  `json:"primary"`  // that was promoted
	System   string  `json:"system"`   // that has the system tables since
	Fenced   []Fence `json:"fenced,omitempty"`
}

// Fence keeps a member from being used whose place was taken, until it has been compared.
type Fence struct {
	Name  string       `json:"name"`
	By    string       `json:"by"`    // that took its place
	Since store.Cursor `json:"since"` // By's feed when it did; "": that is not known
	// Places is how far By had come in the feed of Name, by each strategy; one that had
	// come nowhere is "".
	Places []store.Cursor `json:"places,omitempty"`
}

// compare orders claims: the later one counts. Two of one epoch are of two promotions at
// once, and which counts is decided by name, the same for everybody.
func (c *Claim) compare(other *Claim) int {
	return cmp.Or(cmp.Compare(c.Epoch, other.Epoch), cmp.Compare(c.Primary, other.Primary), cmp.Compare(c.Revision, other.Revision))
}

// FenceOf gives the fence of a member.
func (c *Claim) FenceOf(name string) (Fence, bool) {
	i := slices.IndexFunc(c.Fenced, func(f Fence) bool { return f.Name == name })
	if i < 0 {
		return Fence{}, false
	}
	return c.Fenced[i], true
}

// kept is a claim as a member keeps it.
type kept struct {
	Claim
	version int64 // of the entry; 0: there is none
}

func read(ctx context.Context, s store.Store, timeout time.Duration) (kept, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	found, err := s.Get(ctx, []store.Ref{claimRef})
	if err != nil {
		return kept{}, err
	}
	e := found.Entries[0]
	if !e.Exists() {
		return kept{}, nil
	}
	k := kept{version: e.Version}
	if err := json.Unmarshal(e.Value.Data, &k.Claim); err != nil {
		return kept{}, &store.Error{Code: store.Internal, Ref: e.Ref, Detail: "the claim of a member can't be read", Err: err}
	}
	return k, nil
}

// write keeps a claim where the other one was found. It fails with VersionMismatch or
// AlreadyExists where somebody else was first.
func write(ctx context.Context, s store.Store, timeout time.Duration, c Claim, over kept) error {
	text, err := json.Marshal(c)
	if err != nil {
		return &store.Error{Code: store.Internal, Err: err}
	}
	v, err := value.Parse(text, value.Limits{MaxBytes: len(text), MaxDepth: 8})
	if err != nil {
		return &store.Error{Code: store.Internal, Err: err}
	}
	only := store.Precondition{Absent: true}
	if over.version > 0 {
		only = store.IfVersion(over.version)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, err = s.Apply(ctx, store.Batch{Ops: []store.Op{{Kind: store.Put, Ref: claimRef, Value: v, If: only}}})
	return err
}
