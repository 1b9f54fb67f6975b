package replica_test

import (
	"fmt"
	"testing"
	"time"

	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/store/storetest"
)

// A target that has lost entries, and not the place that it had come to, gets them again
// once it is sent back to the beginning, whichever process does that.
func TestReplay(t *testing.T) {
	t.Parallel()
	from, to := storetest.NewModel(storetest.ModelOptions{Name: "a"}), newForgetful()
	p := &pair{T: t, from: from}
	o := replica.Options{From: from, FromName: "a", To: to, Page: 7, Every: time.Millisecond, Pause: time.Millisecond}
	first, second := replica.Follow(o), replica.Follow(o)
	p.follower = first
	t.Cleanup(func() {
		for _, s := range []interface{ Close() error }{first, second, to.model(), from} {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	for n := range 30 {
		p.put("t", fmt.Sprint("k", n), n)
	}
	p.remove("t", "k1")
	p.eventually("both to have the same", func() bool { return held(t, from) == held(t, to) })
	now := time.Now()
	for _, f := range []*replica.Follower{first, second} {
		p.eventually("both to be at the end", func() bool { return f.CaughtUp(now) })
	}
	before, err := first.Replayed(t.Context())
	if err != nil || !before.Done || before.Round == "" || before.Installed < 30 {
		t.Fatalf("it is %+v, %v", before, err)
	}
	placeOnly := storetest.NewModel(storetest.ModelOptions{Name: "b"})
	read, err := to.Get(t.Context(), []store.Ref{ref("_replica", "a")})
	if err != nil {
		t.Fatal(err)
	}
	install(t, placeOnly, read.Entries[0], entry("t", "k1", 1, 1))
	to.become(placeOnly)
	lost := time.Now()
	p.eventually("the followers to go on as if nothing were", func() bool { return first.CaughtUp(lost) && second.CaughtUp(lost) })
	if held(t, from) == held(t, to) {
		t.Fatal("they notice, and the test shows nothing")
	}

	round, err := second.Replay(t.Context())
	if err != nil || round == before.Round {
		t.Fatalf("it is round %q, %v", round, err)
	}
	p.eventually("the round to end", func() bool {
		now, err := first.Replayed(t.Context())
		return err == nil && now.Round == round && now.Done && now.Installed >= 30
	})
	p.eventually("both to have the same", func() bool { return held(t, from) == held(t, to) })
	p.eventually("it to have caught up", func() bool { s := first.Status(); return s.Known && !s.Afresh && s.Place != "" })
}
