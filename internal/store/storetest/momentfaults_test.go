package storetest

import (
	"context"
	"runtime"
	"strings"

	"larder/internal/store"
)

// momentFaults are of what only shows at the right moment, or in keys and
// versions that few have.
func momentFaults() []fault {
	return []fault{
		{name: "a page is read entry by entry", topic: Scans, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, scan: func(ctx context.Context, s store.Scan) (store.Page, error) {
				page, err := m.Scan(ctx, s)
				if err == nil && !s.KeysOnly {
					page.Entries, err = again(ctx, m, page.Entries)
				}
				return page, err
			}}
		}},
		{name: "a query is read entry by entry", topic: Queries, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, search: func(ctx context.Context, q store.Query) (store.Found, error) {
				found, err := m.Search(ctx, q)
				if err == nil && q.Select == nil {
					found.Entries, err = again(ctx, m, found.Entries)
				}
				return found, err
			}}
		}},
		{name: "what stands between braces is left out of keys", topic: Keys, wrap: eachKey(func(key string) string {
			before, rest, opened := strings.Cut(key, "{")
			if _, after, closed := strings.Cut(rest, "}"); opened && closed && before+after != "" {
				return before + after
			}
			return key
		})},
		{name: "installed versions go through floats", topic: Install, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, install: func(ctx context.Context, entries []store.Entry) error {
				changed := make([]store.Entry, len(entries))
				for i, e := range entries {
					e.Version = int64(float64(e.Version))
					changed[i] = e
				}
				return m.Install(ctx, changed)
			}}
		}},
		{name: "versions are compared as floats", topic: Install, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, apply: func(ctx context.Context, b store.Batch) ([]store.Result, error) {
				read, err := m.Get(ctx, b.Refs())
				if err != nil {
					return m.Apply(ctx, b)
				}
				ops := make([]store.Op, len(b.Ops))
				for i, op := range b.Ops {
					for _, version := range op.If.Versions {
						if float64(version) == float64(read.Entries[i].Version) {
							op.If = store.IfVersion(read.Entries[i].Version)
						}
					}
					ops[i] = op
				}
				return m.Apply(ctx, store.Batch{Ops: ops, DryRun: b.DryRun})
			}}
		}},
		{name: "what has expired can still be swapped", topic: TTL, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, apply: func(ctx context.Context, b store.Batch) ([]store.Result, error) {
				ops := make([]store.Op, len(b.Ops))
				m.mu.Lock()
				for i, op := range b.Ops {
					e := m.stored(op.Ref)
					if op.Kind == store.Put && len(op.If.Versions) == 1 && e.ExpiredAt(m.now()) && op.If.Versions[0] == e.Version {
						op.If = store.Precondition{}
					}
					ops[i] = op
				}
				m.mu.Unlock()
				return m.Apply(ctx, store.Batch{Ops: ops, DryRun: b.DryRun})
			}}
		}},
	}
}

// again reads entries once more, one after the other, and leaves out what is
// gone.
func again(ctx context.Context, m *Model, entries []store.Entry) ([]store.Entry, error) {
	var read []store.Entry
	for _, e := range entries {
		runtime.Gosched()
		one, err := m.Get(ctx, []store.Ref{e.Ref})
		if err != nil {
			return nil, err
		}
		if one.Entries[0].Exists() {
			read = append(read, one.Entries[0])
		}
	}
	return read, nil
}
