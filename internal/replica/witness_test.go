package replica_test

import (
	"testing"
	"time"

	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/store/storetest"
)

// A target that has lost something does not attest that it has what it had, even where the
// follower has not noticed: here it has ended before.
func TestAttests(t *testing.T) {
	t.Parallel()
	from, to := storetest.NewModel(storetest.ModelOptions{Name: "a"}), newForgetful()
	p := &pair{T: t, from: from}
	p.put("t", "k", 1)
	o := replica.Options{From: from, FromName: "a", To: to, Every: time.Millisecond, Pause: time.Millisecond}
	f := replica.Follow(o)
	p.follower = f
	attested := func() bool {
		t.Helper()
		read, err := to.Get(t.Context(), []store.Ref{f.Witness()})
		if err != nil {
			t.Fatal(err)
		}
		return f.Attests(read.Entries[0])
	}
	p.eventually("it to catch up", func() bool { return f.Status().Known && attested() })
	now := time.Now()
	p.eventually("it to be at the end", func() bool { return f.CaughtUp(now) })
	old := dumped(t, to.model())
	for n := range 5 {
		p.put("t", "k", n)
		now := time.Now()
		p.eventually("it to be at the end", func() bool { return f.CaughtUp(now) })
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if !attested() {
		t.Error("a target that has all does not attest it")
	}
	whole := to.model()
	to.become(old)
	if attested() {
		t.Error("one from an old dump attests that it has all")
	}
	to.become(storetest.NewModel(storetest.ModelOptions{Name: "b"}))
	if attested() {
		t.Error("an empty one attests that it has all")
	}
	again := replica.Follow(o)
	p.follower = again
	p.eventually("another process to fill it", func() bool { return again.Status().Known })
	for n := range 20 { // until its place has a version that the other had, too
		p.put("t", "k", n)
		now := time.Now()
		p.eventually("it to be at the end", func() bool { return again.CaughtUp(now) })
	}
	if attested() {
		t.Error("one that was filled anew attests that it is the one of before")
	}
	for _, s := range []interface{ Close() error }{again, whole, to.model(), from} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
