package replica

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
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
	cursor    store.Cursor // "": nowhere
	fresh     bool         // it is being copied afresh, and holds leftovers perhaps
	installed int64        // entries, since the place was born
	kept      keptPlace    // as it was last seen in the target
	version   int64        // of its entry
	least     int64        // the version before, which readers may have found yet
	saved     time.Time
}

// keptPlace is the entry that a place is kept as.
type keptPlace struct {
	Scope     string `json:"scope"`
	Cursor    string `json:"cursor"`
	Fresh     bool   `json:"fresh,omitempty"`
	Installed int64  `json:"installed"`
	Token     string `json:"token"` // of this state of it, and of no other that there ever was
	Born      string `json:"born"`  // the token of the first one
}

func (f *Follower) ref() store.Ref { return store.Ref{Table: placeTable, Key: f.o.FromName} }

// stand is where the target stands now: at was, unless its entry is another one by now.
// Then another process has moved it on, or the target has forgotten what it had, as a
// server does that comes back empty or from an old dump, and is where it says it is. moved
// says that another process has moved it on.
func (f *Follower) stand(ctx context.Context, was *place) (p *place, moved bool, err error) {
	kept, sameScope, err := f.load(ctx)
	if err != nil {
		return nil, false, err
	}
	if was == nil {
		return kept, false, nil
	}
	if kept.kept.Token == was.kept.Token && kept.version == was.version {
		return was, false, nil
	}
	forgotten := kept.kept.Born != was.kept.Born || kept.version <= was.version
	if forgotten {
		f.caughtUp.Store(nil)
		f.o.Logger.Warn().Msg("a secondary is back at an earlier place, and gets again what it may lack")
	}
	if !sameScope && !forgotten { // the other process says nothing of what this one follows
		was.kept, was.version = kept.kept, kept.version
		return was, false, nil
	}
	return kept, !forgotten, nil
}

// load reads the place that is kept, and keeps one where there is none. One of another
// scope counts as the beginning.
func (f *Follower) load(ctx context.Context) (p *place, sameScope bool, err error) {
	for born := false; ; born = true {
		read, err := f.o.To.Get(ctx, []store.Ref{f.ref()})
		if err != nil {
			return nil, false, err
		}
		e := read.Entries[0]
		if e.Exists() {
			return f.understand(e)
		}
		if born {
			return nil, false, &store.Error{Code: store.Internal, Ref: e.Ref, Detail: "the place of a secondary in its primary's feed does not stay"}
		}
		if err := f.bear(ctx); err != nil {
			return nil, false, err
		}
	}
}

func (f *Follower) understand(e store.Entry) (p *place, sameScope bool, err error) {
	kept, err := parsePlace(e)
	if err != nil {
		return nil, false, err
	}
	p = &place{fresh: true, kept: kept, version: e.Version}
	if kept.Scope != f.o.Scope {
		return p, false, nil
	}
	p.cursor, p.fresh, p.installed, p.saved = store.Cursor(kept.Cursor), kept.Fresh, kept.Installed, time.Now()
	return p, true, nil
}

func parsePlace(e store.Entry) (kept keptPlace, err error) {
	if err := json.Unmarshal(e.Value.Data, &kept); err != nil {
		return kept, &store.Error{Code: store.Internal, Ref: e.Ref, Detail: "the place of a secondary in its primary's feed can't be read", Err: err}
	}
	return kept, nil
}

// bear keeps a place at the beginning of the feed, unless another process has.
func (f *Follower) bear(ctx context.Context) error {
	token := rand.Text()
	v, err := valueOf(keptPlace{Scope: f.o.Scope, Fresh: true, Token: token, Born: token})
	if err != nil {
		return err
	}
	_, err = f.o.To.Apply(ctx, store.Batch{Ops: []store.Op{{Kind: store.Put, Ref: f.ref(), Value: v, If: store.Precondition{Absent: true}}}})
	if errors.Is(err, store.AlreadyExists) {
		return nil
	}
	return err
}

// save keeps the place, with a token of its own: before and after something is installed,
// and else now and then. Where the entry is no longer the one that was read, it is left, and moved is true: what
// was installed since may be forgotten. A version does not tell that, for a target that
// has forgotten versions gives them out again; the token does.
func (f *Follower) save(ctx context.Context, p *place) (moved bool, err error) {
	next := keptPlace{
		Scope: f.o.Scope, Cursor: string(p.cursor), Fresh: p.fresh, Installed: p.installed, Token: rand.Text(), Born: p.kept.Born,
	}
	version, moved, err := f.replace(ctx, p.kept.Token, p.version, next)
	if err == nil && !moved {
		p.kept, p.version, p.saved = next, version, time.Now()
	}
	return moved, err
}

// replace puts another place where a token and a version are.
func (f *Follower) replace(ctx context.Context, token string, at int64, next keptPlace) (version int64, moved bool, err error) {
	patch, err := valueOf([]patchStep{{"test", "/token", token}, {"add", "", next}})
	if err != nil {
		return 0, false, err
	}
	results, err := f.o.To.Apply(ctx, store.Batch{Ops: []store.Op{{
		Kind: store.Patch, Ref: f.ref(), If: store.IfVersion(at), Patch: patch.Data, PatchType: store.JSONPatch,
	}}})
	switch code := store.CodeOf(err); {
	case err == nil:
		return results[0].Entry.Version, false, nil
	case code == store.VersionMismatch, code == store.PatchConflict, code == store.NotFound:
		return 0, true, nil
	default:
		return 0, false, err
	}
}

// patchStep is one of a JSON Patch, RFC 6902.
type patchStep struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// valueOf is a thing as JSON in the form that stores take.
func valueOf(thing any) (value.Value, error) {
	text, err := json.Marshal(thing)
	if err != nil {
		return value.Value{}, &store.Error{Code: store.Internal, Err: err}
	}
	v, err := value.Parse(text, value.Limits{MaxBytes: len(text), MaxDepth: 4})
	if err != nil {
		return value.Value{}, &store.Error{Code: store.Internal, Err: err}
	}
	return v, nil
}
