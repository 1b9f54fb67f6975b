package replica

import (
	"context"
	"encoding/json"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// placeTable is the system table of a target that says how far it has come in the feeds
// of others. Its keys are the names of those.
const placeTable = "_replica"

// ownTables are the system tables that say something of the store that they are in.
var ownTables = []string{placeTable, "_epochs"}

// PlaceOf reads how far a target has come in the feed that it knows by that name, "" for
// nowhere.
func PlaceOf(ctx context.Context, to store.Store, fromName string) (store.Cursor, error) {
	f := Follower{o: Options{To: to, FromName: fromName}}
	read, err := to.Get(ctx, []store.Ref{f.ref()})
	if err != nil {
		return "", err
	}
	if !read.Entries[0].Exists() {
		return "", nil
	}
	kept, err := parsePlace(read.Entries[0])
	if kept.Fresh {
		return "", err
	}
	return store.Cursor(kept.Cursor), err
}

// saveEvery lies between two writes of a place at which nothing was installed.
const saveEvery = 10 * time.Second

// place is how far a target has come in a feed.
type place struct {
	cursor store.Cursor // "": nowhere
	fresh  bool         // it is being copied afresh, and holds leftovers perhaps
	saved  time.Time
}

// keptPlace is the entry that a place is kept as.
type keptPlace struct {
	Scope  string `json:"scope"`
	Cursor string `json:"cursor"`
	Fresh  bool   `json:"fresh,omitempty"`
}

func (f *Follower) ref() store.Ref { return store.Ref{Table: placeTable, Key: f.o.FromName} }

// load reads the place that is kept.
func (f *Follower) load(ctx context.Context) (*place, error) {
	read, err := f.o.To.Get(ctx, []store.Ref{f.ref()})
	if err != nil {
		return nil, err
	}
	e := read.Entries[0]
	if !e.Exists() {
		return &place{fresh: true}, nil
	}
	kept, err := parsePlace(e)
	if err != nil {
		return nil, err
	}
	if kept.Scope != f.o.Scope {
		return &place{fresh: true}, nil
	}
	return &place{cursor: store.Cursor(kept.Cursor), fresh: kept.Fresh, saved: time.Now()}, nil
}

func parsePlace(e store.Entry) (kept keptPlace, err error) {
	if err := json.Unmarshal(e.Value.Data, &kept); err != nil {
		return kept, &store.Error{Code: store.Internal, Ref: e.Ref, Detail: "the place of a secondary in its primary's feed can't be read", Err: err}
	}
	return kept, nil
}

// save keeps the place: at once where something was installed, and else now and then.
func (f *Follower) save(ctx context.Context, p *place, installed bool) error {
	if !installed && time.Since(p.saved) < saveEvery {
		return nil
	}
	text, err := json.Marshal(keptPlace{Scope: f.o.Scope, Cursor: string(p.cursor), Fresh: p.fresh})
	if err != nil {
		return &store.Error{Code: store.Internal, Err: err}
	}
	v, err := value.Parse(text, value.Limits{MaxBytes: len(text), MaxDepth: 2})
	if err != nil {
		return &store.Error{Code: store.Internal, Err: err}
	}
	if _, err := f.o.To.Apply(ctx, store.Batch{Ops: []store.Op{{Kind: store.Put, Ref: f.ref(), Value: v}}}); err != nil {
		return err
	}
	p.saved = time.Now()
	return nil
}
