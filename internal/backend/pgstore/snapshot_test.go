package pgstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/value"
)

// psql restores a text as a snapshot says.
func psql(t *testing.T, url string, text []byte) {
	t.Helper()
	binary, err := testenv.PostgresBinary("psql")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "snapshot.sql")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), binary, "--no-psqlrc", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1", "--file", file, url).CombinedOutput()
	if err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
}

// everything is what the store holds, tombstones too.
func (f *fixture) everything() map[store.Ref]store.Entry {
	f.t.Helper()
	all := make(map[store.Ref]store.Entry)
	for c := (store.Changes{}); ; {
		feed, err := f.Changes(f.t.Context(), c)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, change := range feed.Changes {
			all[change.Ref] = change.Entry
		}
		if c.Since = feed.Next; len(feed.Changes) == 0 {
			return all
		}
	}
}

// odd writes entries of all kinds.
func (f *fixture) odd() {
	f.t.Helper()
	opaque := put("bytes", `1`)
	opaque.Value = value.OfBytes([]byte("\x00\\.\n\t\xff"))
	tagged := put("tagged", `{"a":"\\.\n","b":[1.50,12345678901234567890,1e300]}`)
	tagged.Metadata = map[string]string{"a": "b\\"}
	tagged.Expiry = store.ExpiresIn(time.Hour)
	f.apply(put("a\\tb", `"\\."`), put(`\.`, `null`), put("🙂", `"\u0001é🙂"`), opaque, tagged, put("gone", `1`))
	f.apply(remove("gone"))
	f.apply(plusOne("n"))
}

// TestSnapshotRestores takes a snapshot and restores it with psql, into another
// database of the same server.
func TestSnapshotRestores(t *testing.T) {
	clock := newHandClock()
	f := open(t, func(o *Options) { o.Now = clock.now })
	f.odd()
	f.apply(put("forgotten", `1`))
	f.apply(remove("forgotten"))
	clock.advance(2 * f.options.Retention.Tombstones)
	f.cleansUp()
	f.odd()
	cursor := f.changes(store.Changes{Limit: 1}).Next
	var text bytes.Buffer
	n, err := f.Snapshot(t.Context(), &text)
	if err != nil || n != int64(text.Len()) {
		t.Fatalf("%d bytes, said to be %d: %v", text.Len(), n, err)
	}

	url := testenv.Postgres(t)
	psql(t, url, text.Bytes())
	restored := open(t, func(o *Options) { o.URL, o.Now = url, clock.now })
	before, after := f.everything(), restored.everything()
	if len(before) != len(after) || len(after) != 7 {
		t.Fatalf("there were %d entries, and are %d", len(before), len(after))
	}
	for at, e := range before {
		if !after[at].Equal(e) {
			t.Errorf("%s was %+v, and is %+v", at, e, after[at])
		}
	}
	if r := restored.apply(put("forgotten", `1`)); r[0].Entry.Version < 3 {
		t.Errorf("a version is used again: %d", r[0].Entry.Version)
	}
	_, err = restored.Changes(t.Context(), store.Changes{Table: "t", Since: cursor})
	fails(t, "a cursor into what the snapshot is of", err, store.Compacted)
}

// TestSnapshotIsOfOneMoment takes snapshots while entries are moved about that
// always add up to the same.
func TestSnapshotIsOfOneMoment(t *testing.T) {
	f := open(t)
	const accounts, each = 8, 100
	for i := range accounts {
		f.apply(put(strconv.Itoa(i), strconv.Itoa(each)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	add := func(i int, delta string) store.Op {
		return store.Op{Kind: store.Increment, Ref: ref(strconv.Itoa(i % accounts)), Increment: store.Step{Delta: []byte(delta)}}
	}
	for w := range 3 {
		wg.Go(func() {
			for i := w; ctx.Err() == nil; i++ {
				f.apply(add(i, "-1"), add(i+1+w, "1"))
			}
		})
	}
	for range 5 {
		var text bytes.Buffer
		if _, err := f.Snapshot(t.Context(), &text); err != nil {
			t.Error(err)
			break
		}
		url := testenv.Postgres(t)
		psql(t, url, text.Bytes())
		restored := open(t, func(o *Options) { o.URL = url })
		if sum := restored.count(`select sum(value::bigint) from storage_entries where table_name = 't'`); sum != accounts*each {
			t.Errorf("the accounts of a snapshot add up to %d", sum)
		}
	}
	cancel()
	wg.Wait()
}

// errFull is what a writer fails with that takes so much and no more.
var errFull = errors.New("no room")

type narrow struct{ left int }

func (n *narrow) Write(b []byte) (int, error) {
	if n.left -= len(b); n.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// TestSnapshotBrokenOff gives a writer's own error, and ends with the caller and
// with the store.
func TestSnapshotBrokenOff(t *testing.T) {
	f := open(t)
	for i := range 40 {
		f.apply(put(strconv.Itoa(i), fmt.Sprintf(`"%01000d"`, i)))
	}
	for _, room := range []int{0, 900, 20_000} {
		if _, err := f.Snapshot(t.Context(), &narrow{room}); !errors.Is(err, errFull) {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
	f.breaksOff(store.Canceled, func(cancel func()) { cancel() })
	f.breaksOff(store.Unavailable, func(func()) {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}

// breaksOff ends a snapshot that waits for a lock.
func (f *fixture) breaksOff(code store.Code, end func(cancel func())) {
	f.t.Helper()
	release := f.holdTable()
	defer release()
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	done := make(chan error)
	go func() {
		_, err := f.Snapshot(ctx, &bytes.Buffer{})
		done <- err
	}()
	poll(f.t, "the snapshot to wait", func() bool {
		return f.count(`select count(*) from pg_stat_activity where datname = current_database() and query like 'copy%' and wait_event_type = 'Lock'`) == 1
	})
	end(cancel)
	fails(f.t, "a snapshot", <-done, code)
}
