package storetest

import (
	"bytes"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

func faults() []fault {
	return []fault{
		{name: "keys lose their spaces", topic: Keys, wrap: eachKey(func(key string) string {
			if trimmed := strings.TrimSpace(key); trimmed != "" {
				return trimmed
			}
			return key
		})},
		{name: "keys lose their case", topic: Keys, random: true, wrap: eachKey(strings.ToLower)},
		{name: "keys are decoded twice", topic: Keys, wrap: eachKey(func(key string) string {
			if decoded, err := url.PathUnescape(key); err == nil {
				return decoded
			}
			return key
		})},
		{name: "numbers go through floats", topic: Values, random: true, wrap: eachOp(func(op *store.Op) {
			if op.Kind == store.Put && op.Value.Encoding == value.JSON {
				op.Value.Data = throughFloats(op.Value.Data)
			}
		})},
		{name: "metadata is not kept by a patch", topic: Values, random: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, get: func(ctx context.Context, refs []store.Ref) (store.Read, error) {
				read, err := m.Get(ctx, refs)
				for i := range read.Entries {
					if read.Entries[i].Version > 1 {
						read.Entries[i].Metadata = nil
					}
				}
				return read, err
			}}
		}},
		{name: "preconditions do not matter", topic: Preconditions, random: true, wrap: eachOp(func(op *store.Op) {
			if op.Kind != store.Check {
				op.If = store.Precondition{}
			}
		})},
		{name: "a wrong version is as good as a right one", topic: Preconditions, random: true, wrap: eachOp(func(op *store.Op) {
			if len(op.If.Versions) > 0 {
				op.If = store.Precondition{Exists: true}
			}
		})},
		{name: "tombstones are forgotten at once", topic: Versions, random: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, apply: func(ctx context.Context, b store.Batch) ([]store.Result, error) {
				results, err := m.Apply(ctx, b)
				m.mu.Lock()
				defer m.mu.Unlock()
				for _, t := range m.tables {
					for key, r := range t.records {
						if r.entry.Deleted {
							delete(t.records, key)
						}
					}
				}
				return results, err
			}}
		}},
		{name: "a put keeps the end", topic: TTL, random: true, wrap: eachOp(func(op *store.Op) {
			if op.Kind == store.Put && op.Expiry.IsUnset() {
				op.Expiry = store.KeepExpiry()
			}
		})},
		{name: "expired entries still have a place in scans", topic: TTL, random: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, scan: func(ctx context.Context, s store.Scan) (store.Page, error) {
				stopped := NewModel(ModelOptions{Clock: func() time.Time { return time.Unix(0, 0) }})
				m.mu.Lock()
				stopped.tables = m.tables
				m.mu.Unlock()
				return stopped.Scan(ctx, s)
			}}
		}},
		{name: "batches are done one by one", topic: Batches, random: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, apply: oneByOne(m)}
		}},
		{name: "a dry run writes", topic: Batches, random: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, apply: func(ctx context.Context, b store.Batch) ([]store.Result, error) {
				return m.Apply(ctx, store.Batch{Ops: b.Ops})
			}}
		}},
		{name: "a merge patch keeps nulls", topic: Patches, random: true, wrap: eachOp(func(op *store.Op) {
			if op.Kind == store.Patch && op.PatchType == store.MergePatch {
				op.Patch = bytes.ReplaceAll(op.Patch, []byte("null"), []byte("0"))
			}
		})},
		{name: "sums have no bounds of their own", topic: Counters, random: true, wrap: eachOp(func(op *store.Op) { op.Increment.Min, op.Increment.Max = nil, nil })},
		{name: "deltas go through integers", topic: Counters, random: true, wrap: eachOp(func(op *store.Op) {
			if whole, _, found := bytes.Cut(op.Increment.Delta, []byte(".")); found {
				op.Increment.Delta = whole
			}
		})},
		{name: "a prefix is a pattern", topic: Scans, random: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, scan: func(ctx context.Context, s store.Scan) (store.Page, error) {
				s.Prefix = strings.TrimRight(s.Prefix, "%_*?")
				return m.Scan(ctx, s)
			}}
		}},
		{name: "a page begins with one entry too few", topic: Scans, random: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, scan: func(ctx context.Context, s store.Scan) (store.Page, error) {
				page, err := m.Scan(ctx, s)
				if s.After != "" && len(page.Entries) > 1 {
					page.Entries = page.Entries[1:]
				}
				return page, err
			}}
		}},
		{name: "queries take missing for null", topic: Queries, random: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, search: func(ctx context.Context, q store.Query) (store.Found, error) {
				q.Filter = eachComparison(q.Filter, func(f value.Filter) value.Filter {
					if f.Op != value.OpIsNull {
						return f
					}
					return value.Filter{Or: []value.Filter{f, {Path: f.Path, Op: value.OpExists, Value: []byte("false")}}}
				})
				return m.Search(ctx, q)
			}}
		}},
		{name: "queries compare floats", topic: Queries, random: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, search: func(ctx context.Context, q store.Query) (store.Found, error) {
				q.Filter = eachComparison(q.Filter, func(f value.Filter) value.Filter {
					f.Value = throughFloats(f.Value)
					return f
				})
				return m.Search(ctx, q)
			}}
		}},
		{name: "an index is left out of a replaced one", topic: Indexes, wrap: func(m *Model) store.Store { return &sluggish{wrong{Model: m}} }},
		{name: "the feed has no deletions", topic: Changes, random: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, changes: func(ctx context.Context, c store.Changes) (store.Feed, error) {
				feed, err := m.Changes(ctx, c)
				feed.Changes = slices.DeleteFunc(feed.Changes, func(c store.Change) bool { return c.Deleted })
				return feed, err
			}}
		}},
		{name: "the feed loses what is on the edge of a page", topic: Changes, random: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, changes: func(ctx context.Context, c store.Changes) (store.Feed, error) {
				feed, err := m.Changes(ctx, c)
				if feed.More {
					if at, began, err := m.position(feed.Next); err == nil {
						feed.Next = cursor(at+1, began)
					}
				}
				return feed, err
			}}
		}},
		{name: "an older version is installed", topic: Install, random: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, install: func(ctx context.Context, entries []store.Entry) error {
				if err := m.Install(ctx, entries); err != nil {
					return err
				}
				m.mu.Lock()
				defer m.mu.Unlock()
				for _, e := range entries {
					m.write(e)
				}
				return nil
			}}
		}},
		{name: "closing does nothing", topic: Limits, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, close: func() error { return nil }, changes: func(ctx context.Context, c store.Changes) (store.Feed, error) {
				c.Wait = 0
				return m.Changes(ctx, c)
			}}
		}},
	}
}
