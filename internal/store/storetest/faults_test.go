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
		{"keys lose their spaces", Keys, false, eachKey(func(key string) string {
			if trimmed := strings.TrimSpace(key); trimmed != "" {
				return trimmed
			}
			return key
		})},
		{"keys lose their case", Keys, true, eachKey(strings.ToLower)},
		{"keys are decoded twice", Keys, false, eachKey(func(key string) string {
			if decoded, err := url.PathUnescape(key); err == nil {
				return decoded
			}
			return key
		})},
		{"numbers go through floats", Values, true, eachOp(func(op *store.Op) {
			if op.Kind == store.Put && op.Value.Encoding == value.JSON {
				op.Value.Data = throughFloats(op.Value.Data)
			}
		})},
		{"metadata is not kept by a patch", Values, true, func(m *Model) store.Store {
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
		{"preconditions do not matter", Preconditions, true, eachOp(func(op *store.Op) {
			if op.Kind != store.Check {
				op.If = store.Precondition{}
			}
		})},
		{"a wrong version is as good as a right one", Preconditions, true, eachOp(func(op *store.Op) {
			if len(op.If.Versions) > 0 {
				op.If = store.Precondition{Exists: true}
			}
		})},
		{"tombstones are forgotten at once", Versions, true, func(m *Model) store.Store {
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
		{"a put keeps the end", TTL, true, eachOp(func(op *store.Op) {
			if op.Kind == store.Put && op.Expiry.IsUnset() {
				op.Expiry = store.KeepExpiry()
			}
		})},
		{"expired entries still have a place in scans", TTL, true, func(m *Model) store.Store {
			return &wrong{Model: m, scan: func(ctx context.Context, s store.Scan) (store.Page, error) {
				stopped := NewModel(ModelOptions{Clock: func() time.Time { return time.Unix(0, 0) }})
				m.mu.Lock()
				stopped.tables = m.tables
				m.mu.Unlock()
				return stopped.Scan(ctx, s)
			}}
		}},
		{"batches are done one by one", Batches, true, func(m *Model) store.Store {
			return &wrong{Model: m, apply: func(ctx context.Context, b store.Batch) ([]store.Result, error) {
				if err := b.Validate(m.options.Limits); err != nil {
					return nil, err
				}
				var results []store.Result
				for i := range b.Ops {
					r, err := m.Apply(ctx, store.Batch{Ops: b.Ops[i : i+1], DryRun: b.DryRun})
					if err != nil {
						return nil, b.Fail(i, err)
					}
					results = append(results, r...)
				}
				return results, nil
			}}
		}},
		{"a dry run writes", Batches, true, func(m *Model) store.Store {
			return &wrong{Model: m, apply: func(ctx context.Context, b store.Batch) ([]store.Result, error) {
				return m.Apply(ctx, store.Batch{Ops: b.Ops})
			}}
		}},
		{"a merge patch keeps nulls", Patches, true, eachOp(func(op *store.Op) {
			if op.Kind == store.Patch && op.PatchType == store.MergePatch {
				op.Patch = bytes.ReplaceAll(op.Patch, []byte("null"), []byte("0"))
			}
		})},
		{"sums have no bounds of their own", Counters, true, eachOp(func(op *store.Op) { op.Increment.Min, op.Increment.Max = nil, nil })},
		{"deltas go through integers", Counters, true, eachOp(func(op *store.Op) {
			if whole, _, found := bytes.Cut(op.Increment.Delta, []byte(".")); found {
				op.Increment.Delta = whole
			}
		})},
		{"a prefix is a pattern", Scans, true, func(m *Model) store.Store {
			return &wrong{Model: m, scan: func(ctx context.Context, s store.Scan) (store.Page, error) {
				s.Prefix = strings.TrimRight(s.Prefix, "%_*?")
				return m.Scan(ctx, s)
			}}
		}},
		{"a page begins with one entry too few", Scans, true, func(m *Model) store.Store {
			return &wrong{Model: m, scan: func(ctx context.Context, s store.Scan) (store.Page, error) {
				page, err := m.Scan(ctx, s)
				if s.After != "" && len(page.Entries) > 1 {
					page.Entries = page.Entries[1:]
				}
				return page, err
			}}
		}},
		{"queries take missing for null", Queries, true, func(m *Model) store.Store {
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
		{"queries compare floats", Queries, true, func(m *Model) store.Store {
			return &wrong{Model: m, search: func(ctx context.Context, q store.Query) (store.Found, error) {
				q.Filter = eachComparison(q.Filter, func(f value.Filter) value.Filter {
					f.Value = throughFloats(f.Value)
					return f
				})
				return m.Search(ctx, q)
			}}
		}},
		{"an index is left out of a replaced one", Indexes, false, func(m *Model) store.Store { return &sluggish{wrong{Model: m}} }},
		{"the feed has no deletions", Changes, true, func(m *Model) store.Store {
			return &wrong{Model: m, changes: func(ctx context.Context, c store.Changes) (store.Feed, error) {
				feed, err := m.Changes(ctx, c)
				feed.Changes = slices.DeleteFunc(feed.Changes, func(c store.Change) bool { return c.Deleted })
				return feed, err
			}}
		}},
		{"the feed loses what is on the edge of a page", Changes, true, func(m *Model) store.Store {
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
		{"an older version is installed", Install, true, func(m *Model) store.Store {
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
		{"closing does nothing", Limits, false, func(m *Model) store.Store {
			return &wrong{Model: m, close: func() error { return nil }, changes: func(ctx context.Context, c store.Changes) (store.Feed, error) {
				c.Wait = 0
				return m.Changes(ctx, c)
			}}
		}},
	}
}
