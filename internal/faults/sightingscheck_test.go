package faults_test

import (
	"strings"
	"testing"
	"time"
)

// TestSightingsThatCannotBe holds the check of sightings to histories that keep the
// promises and to such as break one each.
func TestSightingsThatCannotBe(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	const bound = staleness + slack
	issued := map[string]issue{"1": {"a", 0}, "2": {"a", 100 * ms}, "3": {"a", 5000 * ms}, "x": {"b", 0}}
	wrote := func(version int64, invoked, ended time.Duration, session string) sighting {
		return sighting{Key: "a", Version: version, Invoked: invoked, Ended: ended, Write: true, Session: session}
	}
	read := func(version int64, value string, invoked, ended time.Duration, session string) sighting {
		return sighting{Key: "a", Version: version, Value: value, Invoked: invoked, Ended: ended, Session: session}
	}
	for name, tt := range map[string]struct {
		all  sightings
		want string // what is in the only fault; "": there is none
	}{
		"as it should be":                         {sightings{wrote(1, 0, 10*ms, "w"), wrote(2, 100*ms, 110*ms, "w"), read(2, "2", 111*ms, 112*ms, "w"), read(1, "1", 115*ms, 120*ms, "r")}, ""},
		"behind, within the bound":                {sightings{wrote(2, 100*ms, 110*ms, "w"), read(1, "1", 110*ms+bound, 3000*ms, "r")}, ""},
		"behind the bound":                        {sightings{wrote(2, 100*ms, 110*ms, "w"), read(1, "1", 111*ms+bound, 3000*ms, "r")}, "more than 1.1s behind"},
		"behind the bound of what was only read":  {sightings{read(2, "2", 100*ms, 110*ms, "q"), read(1, "1", 111*ms+bound, 3000*ms, "r")}, "more than 1.1s behind"},
		"absent behind the bound":                 {sightings{wrote(2, 100*ms, 110*ms, "w"), read(0, "", 111*ms+bound, 3000*ms, "r")}, "more than 1.1s behind"},
		"a write that is open may be seen or not": {sightings{wrote(1, 0, 10*ms, "w"), read(2, "2", 110*ms, 120*ms, "r"), read(1, "1", 121*ms, 125*ms, "q")}, ""},
		"a write is not read by who wrote":        {sightings{wrote(2, 100*ms, 110*ms, "w"), read(1, "1", 111*ms, 112*ms, "w")}, "within a session"},
		"a read goes back":                        {sightings{read(2, "2", 101*ms, 102*ms, "r"), read(1, "1", 103*ms, 104*ms, "r")}, "within a session"},
		"reads at the same time":                  {sightings{read(2, "2", 101*ms, 105*ms, "r"), read(1, "1", 103*ms, 104*ms, "r")}, ""},
		"sessions that do not know of each other": {sightings{read(2, "2", 101*ms, 102*ms, "r"), read(1, "1", 103*ms, 104*ms, "q")}, ""},
		"before it was written":                   {sightings{read(3, "3", 4000*ms, 4001*ms, "r")}, "nobody had written"},
		"never written":                           {sightings{read(3, "4", 4000*ms, 4001*ms, "r")}, "nobody had written"},
		"written to another key":                  {sightings{read(1, "x", 4000*ms, 4001*ms, "r")}, "nobody had written"},
		"two values of a version":                 {sightings{read(2, "2", 200*ms, 201*ms, "r"), read(2, "1", 200*ms, 201*ms, "q")}, "whose value is"},
	} {
		faults := tt.all.check(issued, bound)
		switch {
		case tt.want == "" && len(faults) > 0:
			t.Errorf("%s: %q", name, faults)
		case tt.want != "" && (len(faults) != 1 || !strings.Contains(faults[0], tt.want)):
			t.Errorf("%s: %q, want one fault with %q", name, faults, tt.want)
		}
	}
}
