package storetest

import (
	"slices"
	"testing"
	"time"

	"larder/internal/store"
)

// Harness is how the suite gets at a store. Only Open is required.
type Harness struct {
	// Open gives a new and empty store. The suite closes it.
	Open func(t testing.TB) store.Store

	// Reopen closes a store and opens it again with what it held. nil: it
	// can't be reopened.
	Reopen func(t testing.TB, s store.Store) store.Store

	// Beside opens another store over the same engine, as a second gateway
	// does. The suite closes it. nil: there can be only one.
	Beside func(t testing.TB, s store.Store) store.Store

	// Advance moves the clock of this store, and of no other, forward. nil:
	// its clock is a real one, and the suite waits for short ttls to pass.
	Advance func(s store.Store, d time.Duration)

	// After looks, at the end of each test, whether the store is sound. It is
	// called before Close, and not where the test closed the store itself.
	After func(t testing.TB, s store.Store)

	// Resolution is the shortest ttl the store takes; 0: a microsecond.
	Resolution time.Duration

	// Retention is how long the store keeps tombstones; 0: the default. It
	// matters only with Advance.
	Retention time.Duration

	// Without names what can't be reached through this harness. Run logs what
	// it leaves out for that.
	Without []Topic

	// patience bounds the waits for messages; 0: as all others.
	patience time.Duration
}

// Topic is something the suite tests, or that single tests of it need.
type Topic string

// The topics of Run, each a sub-test of that name.
const (
	Keys          Topic = "keys"
	Values        Topic = "values"
	Preconditions Topic = "preconditions"
	Versions      Topic = "versions"
	TTL           Topic = "ttl"
	Batches       Topic = "batches"
	Patches       Topic = "patches"
	Counters      Topic = "counters"
	Scans         Topic = "scans"
	Queries       Topic = "queries" // where the store can search
	Indexes       Topic = "indexes" // where the store has indexes
	Changes       Topic = "changes"
	Install       Topic = "install"
	Messages      Topic = "messages" // where the store has messages
	Copies        Topic = "copies"   // where the store keeps copies of others' entries
	Limits        Topic = "limits"
)

// What single tests need.
const (
	Horizons          Topic = "horizons"           // Read.Horizon, Feed.Horizon and Feed.More
	WholeFeed         Topic = "whole feed"         // Changes over all tables at once
	BareFeed          Topic = "bare feed"          // Changes without values, with what is early, and the clock
	SystemTables      Topic = "system tables"      // tables that start with "_"
	DefaultTTL        Topic = "default ttl"        // Op.DefaultTTL
	InvalidText       Topic = "invalid text"       // names that are not UTF-8
	AbsentVersions    Topic = "absent versions"    // the version of an entry that does not exist
	CurrentEntries    Topic = "current entries"    // Error.Current with its value, not its version only
	VersionLists      Topic = "version lists"      // Precondition.Versions with more than one
	BatchDetails      Topic = "batch details"      // Result.Entry in full: value, times and metadata
	QueryPositions    Topic = "query positions"    // Query.After made by the caller
	ChangedEnds       Topic = "changed ends"       // Op.Expiry of a patch or an increment
	EmptyTables       Topic = "empty tables"       // in Tables, those that hold tombstones only
	ReadPreconditions Topic = "read preconditions" // preconditions on a Get
	QueryBudgets      Topic = "query budgets"      // Query.Budget
	IndexPlans        Topic = "index plans"        // a plan that says which index was used, or that the engine chose
)

// What stores lack whose keys lie in slots with no moment in common. See
// [store.Store].
const (
	Together      Topic = "batches over several keys" // and any other moment that keys have in common
	UniqueIndexes Topic = "unique indexes"
)

// What single tests need and the harness tells otherwise than by Without.
const (
	reopening   Topic = "reopening"
	beside      Topic = "a second store over the same engine"
	clock       Topic = "a clock to advance"
	maintenance Topic = "maintenance"
	slots       Topic = "keys in several slots" // of which one at a time is written
	plainOnly   Topic = "no unique indexes"     // but others
)

// lacks says whether something can't be reached on a store.
func (h Harness) lacks(topic Topic, info store.Info) bool {
	switch topic {
	case reopening:
		return h.Reopen == nil
	case beside:
		return h.Beside == nil
	case clock:
		return h.Advance == nil
	case maintenance:
		return !slices.Contains(info.Capabilities, store.CanMaintain)
	case Queries:
		return slices.Contains(h.Without, topic) || !slices.Contains(info.Capabilities, store.CanSearch)
	case Indexes, UniqueIndexes:
		return slices.Contains(h.Without, topic) || !slices.Contains(info.Capabilities, store.CanIndex)
	case slots:
		return !slices.Contains(h.Without, Together)
	case plainOnly:
		return !slices.Contains(h.Without, UniqueIndexes)
	case Copies:
		return slices.Contains(h.Without, topic) || !slices.Contains(info.Capabilities, store.CanCache)
	case Messages:
		return slices.Contains(h.Without, topic) || !slices.Contains(info.Capabilities, store.CanPubSub)
	}
	return slices.Contains(h.Without, topic)
}

// test is one of a topic's tests.
type test struct {
	name  string
	needs []Topic
	run   func(x *subject)
}

// topics lists all tests, in the order in which they build on each other.
func topics() []struct {
	topic Topic
	tests []test
} {
	return []struct {
		topic Topic
		tests []test
	}{
		{Keys, keyTests()},
		{Values, valueTests()},
		{Preconditions, preconditionTests()},
		{Versions, versionTests()},
		{TTL, ttlTests()},
		{Batches, append(batchTests(), slotTests()...)},
		{Patches, patchTests()},
		{Counters, counterTests()},
		{Scans, slices.Concat(scanTests(), oddKeyScanTests(), momentTests())},
		{Queries, append(queryTests(), queryMomentTests()...)},
		{Indexes, slices.Concat(indexTests(), oddKeyIndexTests(), uniqueTests())},
		{Changes, append(changeTests(), oddKeyChangeTests()...)},
		{Install, append(installTests(), hugeVersionTests()...)},
		{Messages, messageTests()},
		{Copies, copyTests()},
		{Limits, limitTests()},
	}
}

// Run asks of a store everything the contract promises.
func Run(t *testing.T, h Harness) {
	t.Helper()
	info := h.probe(t)
	for _, group := range topics() {
		if h.lacks(group.topic, info) {
			t.Logf("left out: %s, which this store does not offer here", group.topic)
			continue
		}
		t.Run(string(group.topic), func(t *testing.T) {
			for _, test := range group.tests {
				h.run(t, test, info)
			}
		})
	}
}

// run runs a test on a store of its own, beside others.
func (h Harness) run(t *testing.T, test test, info store.Info) {
	t.Helper()
	for _, need := range test.needs {
		if h.lacks(need, info) {
			t.Logf("left out: %q, which needs %s", test.name, need)
			return
		}
	}
	t.Run(test.name, func(t *testing.T) {
		t.Parallel()
		test.run(h.subject(t))
	})
}

// probe opens a store only to see what it says of itself.
func (h Harness) probe(t *testing.T) store.Info {
	t.Helper()
	if h.Open == nil {
		t.Fatal("the harness has no Open")
	}
	s := h.Open(t)
	info := s.Info()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	return info
}
