package storetest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"larder/internal/store"
)

// Model is the plain store that others are compared with: maps under one
// lock, [store.Batch.Eval] and [store.Evaluate], and nothing clever. It keeps
// the whole contract, so it also stands in for a backend where a test of
// something else needs a real one in memory.
type Model struct {
	*modelEngine
	options  ModelOptions
	closed   bool // under the engine's lock, as all is
	messages *store.Fanout
}

// modelEngine is what a model shares with those beside it.
type modelEngine struct {
	mu     sync.Mutex
	tables map[string]*modelTable
	// last numbers the latest change of all. A change's number is its cursor;
	// the horizon is the number that the next one will get.
	last uint64
	// forgotten is the number of the latest tombstone that is gone: who stands
	// before it can't be told of that deletion any more.
	forgotten uint64
	copies    modelCopies
	// woken is closed, and replaced, at each change.
	woken chan struct{}
	// fanouts are the subscriptions of each model.
	fanouts []*store.Fanout
}

// ModelOptions sets a Model up. The zero value works.
type ModelOptions struct {
	Name      string           // in Info and errors; "model"
	Clock     func() time.Time // nil: time.Now
	Limits    store.Limits
	Retention store.Retention // how long Cleanup keeps tombstones
}

type modelTable struct {
	records map[string]modelRecord
	floor   int64 // versions up to here are used up
	indexes map[string]store.Index
}

type modelRecord struct {
	entry  store.Entry
	number uint64 // of its latest change
}

var (
	_ store.Store      = (*Model)(nil)
	_ store.Searcher   = (*Model)(nil)
	_ store.Indexer    = (*Model)(nil)
	_ store.Maintainer = (*Model)(nil)
	_ store.PubSub     = (*Model)(nil)
	_ store.Cacher     = (*Model)(nil)
)

// NewModel gives an empty store.
func NewModel(o ModelOptions) *Model {
	if o.Name == "" {
		o.Name = "model"
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	o.Limits = o.Limits.WithDefaults()
	o.Retention = o.Retention.WithDefaults()
	return newModel(o, &modelEngine{tables: make(map[string]*modelTable), copies: make(modelCopies), woken: make(chan struct{})})
}

// Beside gives another store over what this one holds, as a second gateway over
// the same engine has.
func (m *Model) Beside() *Model { return newModel(m.options, m.modelEngine) }

func newModel(o ModelOptions, shared *modelEngine) *Model {
	m := &Model{modelEngine: shared, options: o, messages: store.NewFanout(o.Name)}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fanouts = append(m.fanouts, m.messages)
	return m
}

// Info implements [store.Store].
func (m *Model) Info() store.Info {
	return store.Info{
		Name:         m.options.Name,
		Engine:       "model",
		Capabilities: []store.Capability{store.CanSearch, store.CanIndex, store.CanMaintain, store.CanPubSub, store.CanCache},
		Limits:       m.options.Limits,
	}
}

// enter takes the lock, which the caller gives back by m.mu.Unlock, unless the
// call can't be served.
func (m *Model) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return m.fail(err)
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return m.fail(&store.Error{Code: store.Unavailable, Detail: "the store is closed"})
	}
	return nil
}

// fail names the store in an error.
func (m *Model) fail(err error) error {
	e := *store.AsError(err)
	e.Backend = m.options.Name
	return &e
}

func (m *Model) now() time.Time { return m.options.Clock().UTC().Truncate(time.Microsecond) }

// table gives a table, made where there is none yet.
func (m *Model) table(name string) *modelTable {
	t, ok := m.tables[name]
	if !ok {
		t = &modelTable{records: make(map[string]modelRecord), indexes: make(map[string]store.Index)}
		m.tables[name] = t
	}
	return t
}

// stored is the entry as it lies there, expired or not, as Eval wants it.
func (m *Model) stored(ref store.Ref) store.Entry {
	t := m.table(ref.Table)
	if r, ok := t.records[ref.Key]; ok {
		return r.entry
	}
	return store.Entry{Ref: ref, Version: t.floor, Deleted: t.floor > 0}
}

// existing lists a table's entries as a reader sees them, by key.
func (m *Model) existing(table string, now time.Time) []store.Entry {
	var entries []store.Entry
	for _, r := range m.table(table).records {
		if e := r.entry.At(now); e.Exists() {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, byKey)
	return entries
}

// write stores an entry as the latest change.
func (m *Model) write(e store.Entry) {
	m.last++
	m.table(e.Table).records[e.Key] = modelRecord{entry: e, number: m.last}
	m.wake()
}

// wake has all who wait for changes look again.
func (m *Model) wake() {
	close(m.woken)
	m.woken = make(chan struct{})
}

// Get implements [store.Store].
func (m *Model) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	for _, ref := range refs {
		if err := ref.Validate(); err != nil {
			return store.Read{}, m.fail(err)
		}
	}
	if err := m.enter(ctx); err != nil {
		return store.Read{}, err
	}
	defer m.mu.Unlock()
	now := m.now()
	read := store.Read{Entries: make([]store.Entry, len(refs)), Horizon: store.Horizon(m.last + 1)}
	for i, ref := range refs {
		read.Entries[i] = m.stored(ref).At(now)
	}
	return read, nil
}

// Apply implements [store.Store].
func (m *Model) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if err := b.Validate(m.options.Limits); err != nil {
		return nil, m.fail(err)
	}
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	current := make([]store.Entry, len(b.Ops))
	for i, ref := range b.Refs() {
		current[i] = m.stored(ref)
	}
	now := m.now()
	results, err := b.Eval(current, now, m.options.Limits)
	if err != nil {
		return nil, m.fail(err)
	}
	if err := m.checkUnique(b, results, now); err != nil {
		return nil, m.fail(err)
	}
	if b.DryRun {
		return results, nil
	}
	for _, r := range results {
		if r.Changed {
			m.write(r.Entry)
		}
	}
	return results, nil
}

// Install implements [store.Store].
func (m *Model) Install(ctx context.Context, entries []store.Entry) error {
	for _, e := range entries {
		if err := e.Ref.Validate(); err != nil {
			return m.fail(err)
		}
	}
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for _, e := range entries {
		if r, known := m.table(e.Table).records[e.Key]; !known || e.InPlaceOf(r.entry.Version, r.entry.Deleted) {
			m.write(e)
		}
	}
	return nil
}

// Tables implements [store.Store].
func (m *Model) Tables(ctx context.Context) ([]store.TableInfo, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	now := m.now()
	var infos []store.TableInfo
	for _, name := range slices.Sorted(maps.Keys(m.tables)) {
		if len(m.tables[name].records) > 0 {
			infos = append(infos, store.TableInfo{Name: name, Entries: int64(len(m.existing(name, now)))})
		}
	}
	return infos, nil
}

// Ping implements [store.Store].
func (m *Model) Ping(ctx context.Context) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	m.mu.Unlock()
	return nil
}

// Close implements [store.Store].
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		m.messages.Close()
		m.fanouts = slices.DeleteFunc(m.fanouts, func(f *store.Fanout) bool { return f == m.messages })
		m.wake()
	}
	return nil
}

// Maintains implements [store.Maintainer]; a model can clean up, and no more.
func (m *Model) Maintains(action store.Action) bool { return action == store.Cleanup }

// Maintain implements [store.Maintainer].
func (m *Model) Maintain(ctx context.Context, job store.Maintenance) error {
	if !m.Maintains(job.Action) {
		return m.fail(&store.Error{Code: store.Unsupported, Field: "action", Detail: "the action is cleanup"})
	}
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for name, t := range m.tables {
		if job.Table == "" || job.Table == name {
			m.cleanUp(t, m.now())
		}
	}
	return nil
}

// cleanUp makes tombstones of what has expired and forgets old ones.
func (m *Model) cleanUp(t *modelTable, now time.Time) {
	for key, r := range t.records {
		switch {
		case r.entry.ExpiredAt(now):
			m.write(r.entry.Tombstone(now))
		case r.entry.Deleted && now.Sub(r.entry.UpdatedAt) > m.options.Retention.Tombstones:
			delete(t.records, key)
			t.floor = max(t.floor, r.entry.Version)
			m.forgotten = max(m.forgotten, r.number)
		}
	}
}
