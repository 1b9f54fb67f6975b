package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
)

// player does steps on two stores and compares what they say.
type player struct {
	t      *testing.T
	ctx    context.Context
	pair   pair
	stores [2]store.Store
	marks  []marked

	// lives counts how often a key's entry has ended, and is part of the
	// key's name from then on.
	lives map[store.Ref]int
	// seen is the second store's every version as it first showed it.
	seen map[version]store.Entry
}

// marked is a feed, and how far it had come on each store.
type marked struct {
	store.Changes
	cursors [2]store.Cursor
}

type version struct {
	store.Ref
	number int64
}

func newPlayer(t *testing.T, p pair) *player {
	t.Helper()
	return &player{
		t: t, ctx: t.Context(), pair: p, stores: [2]store.Store{p[0].Open(t), p[1].Open(t)},
		lives: make(map[store.Ref]int), seen: make(map[version]store.Entry),
	}
}

func (p *player) close() {
	p.t.Helper()
	for i, s := range p.stores {
		if after := p.pair[i].After; after != nil {
			after(p.t, s)
		}
		if err := s.Close(); err != nil {
			p.t.Errorf("Close: %v", err)
		}
	}
}

func (p *player) lacks(topic Topic) bool {
	return slices.Contains(p.pair[0].Without, topic) || slices.Contains(p.pair[1].Without, topic)
}

// name gives a key the name of its present life.
func (p *player) name(ref store.Ref) store.Ref {
	if n := p.lives[ref]; n > 0 {
		ref.Key += fmt.Sprintf("#%d", n)
	}
	return ref
}

// retire gives a key another name from now on.
func (p *player) retire(named store.Ref) {
	key, _, _ := strings.Cut(named.Key, "#")
	p.lives[store.Ref{Table: named.Table, Key: key}]++
}

// retired says whether a name was of a life that has ended.
func (p *player) retired(named store.Ref) bool {
	key, _, _ := strings.Cut(named.Key, "#")
	return p.name(store.Ref{Table: named.Table, Key: key}) != named
}

// version is the current version on the first store.
func (p *player) version(ref store.Ref) int64 {
	read, err := p.stores[0].Get(p.ctx, []store.Ref{ref})
	if err != nil {
		return 0
	}
	return read.Entries[0].Version
}

// existing lists what exists on the first store.
func (p *player) existing() (map[store.Ref]bool, error) {
	refs := make(map[store.Ref]bool)
	for _, table := range randomTables {
		page, err := scanAll(p, 0, store.Scan{Table: table, KeysOnly: true})
		if err != nil {
			return nil, err
		}
		for _, e := range page.Entries {
			refs[e.Ref] = true
		}
	}
	return refs, nil
}

// drain follows a feed to its end. What has expired it leaves out.
func (p *player) drain(which int, c store.Changes) (map[store.Ref]store.Entry, store.Cursor, error) {
	latest := make(map[store.Ref]store.Entry)
	for {
		feed, err := p.stores[which].Changes(p.ctx, c)
		if err != nil {
			return nil, "", err
		}
		if len(feed.Changes) == 0 {
			return latest, feed.Next, nil
		}
		for _, change := range feed.Changes {
			if change.Version < latest[change.Ref].Version {
				return nil, "", fmt.Errorf("the feed shows version %d of %v after version %d", change.Version, change.Ref, latest[change.Ref].Version)
			}
			if !p.retired(change.Ref) {
				latest[change.Ref] = change.Entry
			}
		}
		c.Since = feed.Next
	}
}

// both asks both stores and compares the answers as they are.
func (p *player) both(ask func(s store.Store) (any, error)) error {
	a, errA := ask(p.stores[0])
	b, errB := ask(p.stores[1])
	if errA != nil || errB != nil {
		return sameFailure(errA, errB)
	}
	if a != b {
		return fmt.Errorf("%v; and on the other %v", a, b)
	}
	return nil
}

// same compares an entry on both stores. Their clocks may stand apart, and
// what passes between two writes is little to the difference of two ttls.
func (p *player) same(a, b store.Entry) error {
	if !a.Exists() && !b.Exists() && a.Ref == b.Ref {
		return nil
	}
	left := func(e store.Entry) time.Duration { return e.ExpiresAt.Sub(e.UpdatedAt) }
	if !sameContent(a, b) || !a.ExpiresAt.IsZero() && (left(a)-left(b)).Abs() > time.Hour {
		return fmt.Errorf("%s; and on the other %s", show(a), show(b))
	}
	if b.UpdatedAt.Before(b.CreatedAt) {
		return fmt.Errorf("%v was updated at %v and created at %v", b.Ref, b.UpdatedAt, b.CreatedAt)
	}
	return nil
}

// remembered holds a version that was committed to what it was before.
func (p *player) remembered(e store.Entry) error {
	if !e.Exists() {
		return nil
	}
	v := version{e.Ref, e.Version}
	if before, known := p.seen[v]; known && !before.Equal(e) {
		return fmt.Errorf("version %d was %+v and is now %+v", e.Version, before, e)
	}
	p.seen[v] = e
	return nil
}

// sameAll compares stored entries on both stores, in their order.
func (p *player) sameAll(a, b []store.Entry) error {
	if len(a) != len(b) {
		return fmt.Errorf("%q; and on the other %q", keysOf(a), keysOf(b))
	}
	for i := range a {
		if err := p.same(a[i], b[i]); err != nil {
			return err
		}
		if err := p.remembered(b[i]); err != nil {
			return err
		}
	}
	return nil
}

func sameKeys(a, b []store.Entry) error {
	if !slices.EqualFunc(a, b, func(a, b store.Entry) bool {
		return a.Ref == b.Ref && a.Version == b.Version && maps.Equal(a.Metadata, b.Metadata) && a.Value.Equal(b.Value)
	}) {
		return fmt.Errorf("%q; and on the other %q", keysOf(a), keysOf(b))
	}
	return nil
}

func sameSelection(a, b []store.Entry) error {
	if len(a) != len(b) {
		return fmt.Errorf("%q; and on the other %q", keysOf(a), keysOf(b))
	}
	for i := range a {
		if !sameContent(a[i], b[i]) {
			return fmt.Errorf("%s; and on the other %s", show(a[i]), show(b[i]))
		}
	}
	return nil
}

func (p *player) sameIndexes(table string) error {
	var lists [2][]store.Index
	for i, s := range p.stores {
		indexer, _ := store.As[store.Indexer](s)
		var err error
		if lists[i], err = indexer.Indexes(p.ctx, table); err != nil {
			return err
		}
	}
	if !slices.EqualFunc(lists[0], lists[1], store.Index.SameDefinition) {
		return fmt.Errorf("the indexes are %+v; and on the other %+v", lists[0], lists[1])
	}
	return nil
}

// compareAll compares all that two stores hold.
func (p *player) compareAll() error {
	if err := (countTables{}).play(p); err != nil {
		return err
	}
	for _, table := range randomTables {
		if err := (scan{Table: table}).play(p); err != nil {
			return err
		}
		if err := (follow{Changes: store.Changes{Table: table}, mark: -1}).play(p); err != nil {
			return err
		}
	}
	return nil
}

// sameFailure compares errors by their codes, and those of a batch by its
// failures. Which of two entries breaks a unique index is a matter of taste.
func sameFailure(a, b error) error {
	codeA, codeB := store.CodeOf(a), store.CodeOf(b)
	if codeA != codeB {
		return fmt.Errorf("%s; and on the other %s", told(a), told(b))
	}
	failuresA, failuresB := store.AsError(a).Failures, store.AsError(b).Failures
	if breaksUnique(failuresA) && breaksUnique(failuresB) {
		return nil
	}
	if !slices.EqualFunc(failuresA, failuresB, func(a, b store.Failure) bool {
		return a.Index == b.Index && a.Err.Code == b.Err.Code && a.Err.Precondition == b.Err.Precondition && currentVersion(a.Err) == currentVersion(b.Err)
	}) {
		return fmt.Errorf("the failures are %s; and on the other %s", failuresText(failuresA), failuresText(failuresB))
	}
	if currentVersion(store.AsError(a)) != currentVersion(store.AsError(b)) {
		return fmt.Errorf("it shows version %d; and on the other %d", currentVersion(store.AsError(a)), currentVersion(store.AsError(b)))
	}
	return nil
}

// told is an error by its code and its text.
func told(err error) string {
	if err == nil {
		return "done"
	}
	return fmt.Sprintf("%s (%v)", store.CodeOf(err), err)
}

func breaksUnique(failures []store.Failure) bool {
	return slices.ContainsFunc(failures, func(f store.Failure) bool { return f.Err.Code == store.UniqueViolation })
}

// currentVersion is the version an error shows of an entry that exists.
func currentVersion(e *store.Error) int64 {
	if e.Current == nil || !e.Current.Exists() {
		return 0
	}
	return e.Current.Version
}

func failuresText(failures []store.Failure) string {
	var parts []string
	for _, f := range failures {
		parts = append(parts, fmt.Sprintf("%d: %v (current %d)", f.Index, f.Err, currentVersion(f.Err)))
	}
	return strings.Join(parts, "; ")
}
