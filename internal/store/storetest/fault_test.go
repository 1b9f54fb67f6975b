package storetest

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// fault is a store with one thing wrong, and the topic that has to find it.
type fault struct {
	name   string
	topic  Topic
	random bool // random operations find it too
	slots  bool // it is one of stores with slots
	wrap   func(m *Model) store.Store
}

// wrong is a model with some of its methods replaced.
type wrong struct {
	*Model
	get     func(ctx context.Context, refs []store.Ref) (store.Read, error)
	apply   func(ctx context.Context, b store.Batch) ([]store.Result, error)
	scan    func(ctx context.Context, s store.Scan) (store.Page, error)
	changes func(ctx context.Context, c store.Changes) (store.Feed, error)
	install func(ctx context.Context, entries []store.Entry) error
	search  func(ctx context.Context, q store.Query) (store.Found, error)
	publish func(ctx context.Context, channel string, payload []byte) error
	// subscribed is given what the model's Subscribe gave.
	subscribed func(pattern string, s store.Subscription) store.Subscription
	// pattern changes a pattern on its way in.
	pattern func(text string) string
	close   func() error
}

func (w *wrong) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	if w.get != nil {
		return w.get(ctx, refs)
	}
	return w.Model.Get(ctx, refs)
}

func (w *wrong) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if w.apply != nil {
		return w.apply(ctx, b)
	}
	return w.Model.Apply(ctx, b)
}

func (w *wrong) Scan(ctx context.Context, s store.Scan) (store.Page, error) {
	if w.scan != nil {
		return w.scan(ctx, s)
	}
	return w.Model.Scan(ctx, s)
}

func (w *wrong) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	if w.changes != nil {
		return w.changes(ctx, c)
	}
	return w.Model.Changes(ctx, c)
}

func (w *wrong) Install(ctx context.Context, entries []store.Entry) error {
	if w.install != nil {
		return w.install(ctx, entries)
	}
	return w.Model.Install(ctx, entries)
}

func (w *wrong) Search(ctx context.Context, q store.Query) (store.Found, error) {
	if w.search != nil {
		return w.search(ctx, q)
	}
	return w.Model.Search(ctx, q)
}

func (w *wrong) Publish(ctx context.Context, channel string, payload []byte) error {
	if w.publish != nil {
		return w.publish(ctx, channel, payload)
	}
	return w.Model.Publish(ctx, channel, payload)
}

func (w *wrong) Subscribe(ctx context.Context, pattern string) (store.Subscription, error) {
	changed := pattern
	if w.pattern != nil {
		changed = w.pattern(pattern)
	}
	s, err := w.Model.Subscribe(ctx, changed)
	if err == nil && w.subscribed != nil {
		s = w.subscribed(pattern, s)
	}
	return s, err
}

func (w *wrong) Close() error {
	if w.close != nil {
		return w.close()
	}
	return w.Model.Close()
}

// eachOp changes a batch before it is done.
func eachOp(change func(op *store.Op)) func(m *Model) store.Store {
	return func(m *Model) store.Store {
		return &wrong{Model: m, apply: func(ctx context.Context, b store.Batch) ([]store.Result, error) {
			b.Ops = slices.Clone(b.Ops)
			for i := range b.Ops {
				change(&b.Ops[i])
			}
			return m.Apply(ctx, b)
		}}
	}
}

// eachKey changes every key on its way in, and nothing on its way out.
func eachKey(change func(key string) string) func(m *Model) store.Store {
	return func(m *Model) store.Store {
		w := eachOp(func(op *store.Op) { op.Ref.Key = change(op.Ref.Key) })(m).(*wrong)
		w.get = func(ctx context.Context, refs []store.Ref) (store.Read, error) {
			changed := slices.Clone(refs)
			for i := range changed {
				changed[i].Key = change(changed[i].Key)
			}
			read, err := m.Get(ctx, changed)
			for i := range read.Entries {
				read.Entries[i].Ref = refs[i]
			}
			return read, err
		}
		return w
	}
}

// throughFloats is what a client does to numbers that decodes them as float64.
func throughFloats(text []byte) []byte {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return text
	}
	again, err := json.Marshal(v)
	if err != nil {
		return text
	}
	parsed, err := value.Parse(again, value.Limits{})
	if err != nil {
		return text
	}
	return parsed.Data
}

// eachComparison changes the leaves of a filter.
func eachComparison(f value.Filter, change func(value.Filter) value.Filter) value.Filter {
	all := func(filters []value.Filter) []value.Filter {
		filters = slices.Clone(filters)
		for i := range filters {
			filters[i] = eachComparison(filters[i], change)
		}
		return filters
	}
	f.And, f.Or = all(f.And), all(f.Or)
	switch {
	case f.Not != nil:
		inner := eachComparison(*f.Not, change)
		f.Not = &inner
	case f.Op != "":
		return change(f)
	}
	return f
}

// sluggish says that an index it has been given another definition for is
// still the old one.
type sluggish struct{ wrong }

func (s *sluggish) PutIndex(ctx context.Context, table string, def store.Index) (bool, error) {
	old, err := s.Model.Indexes(ctx, table)
	if err == nil && slices.ContainsFunc(old, func(x store.Index) bool { return x.Name == def.Name }) {
		return false, nil
	}
	return s.Model.PutIndex(ctx, table, def)
}

// harness gives stores with the fault.
func (f fault) harness() Harness {
	h := ModelHarness()
	open, advance := h.Open, h.Advance
	if f.slots {
		h.Without = SlottedHarness().Without
	}
	h.Open = func(t testing.TB) store.Store { return f.wrap(open(t).(*Model)) }
	h.Advance = func(s store.Store, d time.Duration) { advance(modelOf(s), d) }
	h.patience = 2 * time.Second // many faults show only in that nothing comes
	h.Beside = func(_ testing.TB, s store.Store) store.Store { return f.wrap(modelOf(s).Beside()) }
	return h
}

// modelOf is the model in a wrong one.
func modelOf(s store.Store) *Model {
	switch s := s.(type) {
	case *wrong:
		return s.Model
	case *sluggish:
		return s.Model
	}
	return s.(*Model)
}

func allFaults() []fault {
	return slices.Concat(faults(), messageFaults(), momentFaults(), slotFaults())
}

const faultVariable = "STORETEST_FAULT"

// TestRunOfFaultyStore is run by TestRunFindsFaults, and has to fail then.
func TestRunOfFaultyStore(t *testing.T) {
	for _, f := range allFaults() {
		if f.name == os.Getenv(faultVariable) {
			Run(t, f.harness())
		}
	}
}

// TestRunFindsFaults runs the suite on stores that are wrong in one thing, each
// in a process of its own, since it has to fail there.
func TestRunFindsFaults(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range allFaults() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			run := exec.CommandContext(t.Context(), binary, "-test.run=^TestRunOfFaultyStore$/^"+string(f.topic)+"$", "-test.timeout=1m")
			run.Env = append(os.Environ(), faultVariable+"="+f.name)
			output, err := run.CombinedOutput()
			if err == nil || !strings.Contains(string(output), "--- FAIL: TestRunOfFaultyStore/"+string(f.topic)+"/") {
				t.Errorf("%s did not find it (%v): %s", f.topic, err, output)
			}
		})
	}
}

// TestDifferentialFindsFaults does random operations on the same stores.
func TestDifferentialFindsFaults(t *testing.T) {
	seed := Seed(t)
	for _, f := range allFaults() {
		if !f.random {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			pair := pair{ModelHarness(), f.harness()}
			for run := range uint64(20) {
				steps := pair.generate(t, seed+run, 400)
				at, difference := pair.play(t, steps)
				if difference == nil {
					continue
				}
				fewer, difference := pair.shrink(t, steps[:at+1], difference)
				t.Logf("of %d steps %d are enough: %v", at+1, len(fewer), difference)
				if len(fewer) > 12 {
					t.Errorf("%d steps could not be made fewer than %d", at+1, len(fewer))
				}
				return
			}
			t.Error("random operations did not find it")
		})
	}
}
