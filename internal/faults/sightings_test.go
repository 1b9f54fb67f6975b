package faults_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// slack is by how much more than δ a read may be behind.
const slack = 100 * time.Millisecond

// sighting is a version of a key that a client was shown, by a read or as the answer to a
// write. Times are since the run began.
type sighting struct {
	Key     string
	Version int64
	Value   string // of a read
	Invoked time.Duration
	Ended   time.Duration
	Write   bool
	Copied  bool // a copy answered
	// Session is in which what was seen is not unseen: a client's at one process, or one
	// that tells every process what it has seen.
	Session string
	Told    bool // the session is of one that tells
}

// sightings is what clients of a run saw.
type sightings []sighting

// issue is a write that was sent, by its value.
type issue struct {
	key     string
	invoked time.Duration
}

// check lists what can't be, if no read is further behind than a bound and every session
// sees each key go forward only.
//
// A read is too far behind if a newer version than it shows was known to somebody, and so
// committed, before the bound before it was sent.
func (all sightings) check(issued map[string]issue, bound time.Duration) (faults []string) {
	byKey := make(map[string]sightings)
	for _, s := range all {
		byKey[s.Key] = append(byKey[s.Key], s)
	}
	for _, key := range byKey {
		faults = append(faults, key.checkAge(bound)...)
		faults = append(faults, key.checkSessions()...)
		faults = append(faults, key.checkValues(issued)...)
	}
	return faults
}

// checkAge holds the reads of a key to the bound.
func (all sightings) checkAge(bound time.Duration) (faults []string) {
	// The newest version that is known, as time goes on.
	known := slices.SortedFunc(slices.Values(all), func(a, b sighting) int { return cmp.Compare(a.Ended, b.Ended) })
	reads := slices.SortedFunc(slices.Values(all), func(a, b sighting) int { return cmp.Compare(a.Invoked, b.Invoked) })
	var newest sighting
	next := 0
	for _, r := range reads {
		for ; next < len(known) && known[next].Ended < r.Invoked-bound; next++ {
			if known[next].Version > newest.Version {
				newest = known[next]
			}
		}
		if !r.Write && r.Version < newest.Version {
			faults = append(faults, fmt.Sprintf("%v is more than %v behind: %v", r, bound, newest))
		}
	}
	return faults
}

// checkSessions holds that what a session has seen of a key it does not see older after
// that.
func (all sightings) checkSessions() (faults []string) {
	bySession := make(map[string]sightings)
	for _, s := range all {
		if s.Session != "" {
			bySession[s.Session] = append(bySession[s.Session], s)
		}
	}
	for _, session := range bySession {
		for _, fault := range session.checkAge(0) {
			faults = append(faults, "within a session, "+fault)
		}
	}
	return faults
}

// checkValues holds that what was read was written, not before it was asked for, and that
// a version has one value.
func (all sightings) checkValues(issued map[string]issue) (faults []string) {
	values := make(map[int64]string)
	for _, r := range all {
		if r.Write || r.Version == 0 {
			continue
		}
		if w, known := issued[r.Value]; !known || w.key != r.Key || w.invoked > r.Ended {
			faults = append(faults, fmt.Sprintf("%v shows what nobody had written", r))
		}
		if other, known := values[r.Version]; known && other != r.Value {
			faults = append(faults, fmt.Sprintf("%v shows a version whose value is %s", r, other))
		}
		values[r.Version] = r.Value
	}
	return faults
}

func (s sighting) String() string {
	what := "read"
	if s.Write {
		what = "write"
	}
	if s.Copied {
		what += " of a copy"
	}
	return fmt.Sprintf("%s of %s by %s: version %d, from %v to %v", what, s.Key, s.Session, s.Version, s.Invoked, s.Ended)
}

// saveAll keeps the history for whoever looks into a fault.
func (all sightings) saveAll(t *testing.T, s schedule, faults []string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%v\n%s\n", s, strings.Join(faults, "\n"))
	for _, one := range all {
		line, err := json.Marshal(one)
		if err != nil {
			t.Errorf("saving a history: %v", err)
			return
		}
		b.Write(append(line, '\n'))
	}
	save(t, "sightings.txt", b.String())
}
