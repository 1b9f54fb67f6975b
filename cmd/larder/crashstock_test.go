package main_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"larder/api"
)

// version is an entry or a tombstone.
type version struct {
	number int64
	outcome
}

type account struct{ balance, version int64 }

// stock is all that the server has.
type stock struct {
	entries  map[place]version // of registers and counters, deleted ones too
	receipts map[string]receipt
	accounts map[string]account
	sessions map[string]time.Time // those that live, by their end

	began, ended time.Time // of the look at sessions
	faults       []string
}

// takeStock reads everything: the change feed, the lists, the counts and the
// index, which have to agree.
func takeStock(t *testing.T, client *api.ClientWithResponses) stock {
	t.Helper()
	s := stock{
		entries: make(map[place]version), receipts: make(map[string]receipt),
		accounts: make(map[string]account), sessions: make(map[string]time.Time),
	}
	s.began = time.Now()
	for _, e := range list(t, client, sessions) {
		s.sessions[e.Key] = *e.ExpiresAt
		if string(e.Value) != strconv.Quote(e.Key) {
			s.fault("session %s holds %s", e.Key, e.Value)
		}
	}
	s.ended = time.Now()
	for _, table := range []string{registers, counters, accounts, receipts} {
		s.take(t, table, changes(t, client, table), list(t, client, table))
	}
	s.checkIndex(t, client)
	return s
}

func (s *stock) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// take takes a table in, and holds its feed against its list.
func (s *stock) take(t *testing.T, table string, feed map[string]api.Change, listed map[string]api.Entry) {
	t.Helper()
	live := 0
	for key, c := range feed {
		e, ok := listed[key]
		if ok == c.Deleted || ok && (e.Version != c.Version || string(e.Value) != string(c.Value)) {
			s.fault("%s/%s is %d %.40s in the feed (deleted: %v) and %d %.40s in the list", table, key, c.Version, c.Value, c.Deleted, e.Version, e.Value)
		}
		if !c.Deleted {
			live++
		}
		switch table {
		case registers, counters:
			s.entries[place{table, key}] = version{c.Version, outcome{string(c.Value), c.Deleted}}
		case accounts:
			s.accounts[key] = account{decode[int64](t, c.Value), c.Version}
		case receipts:
			s.receipts[key] = decode[receipt](t, c.Value)
		}
	}
	if len(listed) != live {
		s.fault("%s has %d entries in the list and %d in the feed", table, len(listed), live)
	}
}

// checkIndex counts the registers by the index, or however the database thinks
// best where it has one, and by the list.
func (s *stock) checkIndex(t *testing.T, client *api.ClientWithResponses) {
	t.Helper()
	var want [clients]int64
	for at, e := range s.entries {
		if at.table == registers && !e.deleted {
			want[decode[struct{ By int }](t, []byte(e.value)).By]++
		}
	}
	for by, n := range want {
		counted, err := client.CountTableWithResponse(t.Context(), registers, nil, api.CountRequest{
			Filter: &api.Filter{Path: "/by", Op: api.FilterOpEq, Value: json.RawMessage(strconv.Itoa(by))},
		})
		if err != nil {
			t.Fatal(err)
		}
		if counted.JSON200 == nil {
			t.Fatalf("%s: %s", counted.Status(), counted.Body)
		}
		if counted.JSON200.Plan.Mode == api.PlanModeScan || counted.JSON200.Count != n {
			s.fault("by %s, %d registers are by client %d, and there are %d", counted.JSON200.Plan.Mode, counted.JSON200.Count, by, n)
		}
	}
}

func decode[T any](t *testing.T, data []byte) (value T) {
	t.Helper()
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return value
}

// list gives the entries of a table.
func list(t *testing.T, client *api.ClientWithResponses, table string) map[string]api.Entry {
	t.Helper()
	entries := make(map[string]api.Entry)
	params := &api.ListKeysParams{Limit: new(1000)}
	for {
		page, err := client.ListKeysWithResponse(t.Context(), table, params)
		if err != nil {
			t.Fatal(err)
		}
		if page.JSON200 == nil {
			t.Fatalf("%s: %s", page.Status(), page.Body)
		}
		for _, e := range page.JSON200.Items {
			entries[e.Key] = e
		}
		if page.JSON200.NextCursor == "" {
			return entries
		}
		params.Cursor = new(page.JSON200.NextCursor)
	}
}

// changes gives the latest change of each key of a table.
func changes(t *testing.T, client *api.ClientWithResponses, table string) map[string]api.Change {
	t.Helper()
	latest := make(map[string]api.Change)
	params := &api.ListChangesParams{Limit: new(1000)}
	for {
		page, err := client.ListChangesWithResponse(t.Context(), table, params)
		if err != nil {
			t.Fatal(err)
		}
		if page.JSON200 == nil {
			t.Fatalf("%s: %s", page.Status(), page.Body)
		}
		if len(page.JSON200.Items) == 0 {
			return latest
		}
		for _, c := range page.JSON200.Items {
			latest[c.Key] = c
		}
		params.Since = new(page.JSON200.NextCursor)
	}
}
