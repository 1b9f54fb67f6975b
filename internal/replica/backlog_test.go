package replica_test

import (
	"fmt"
	"testing"

	"larder/internal/replica"
	"larder/internal/store"
)

func (p *pair) backlog(most int) replica.Backlog {
	p.Helper()
	b, known, err := p.follower.Backlog(p.Context(), most)
	if err != nil || !known {
		p.Fatalf("the backlog is %+v, known: %t, %v", b, known, err)
	}
	return b
}

// TestBacklog cuts a target off, writes, and has it come back.
func TestBacklog(t *testing.T) {
	t.Parallel()
	p := newPair(t, replica.Options{Tables: func(table string) bool { return table == "t" }})
	p.put("t", "early", 1)
	p.eventually("all to be there", func() bool { return p.follower.Status().Known && p.backlog(5000) == replica.Backlog{} })
	p.to.down.Store(true)
	p.put("t", "gone", 1)
	p.remove("t", "gone")
	p.put("t", "early", 2)
	p.put("t", "early", 3)
	for i := range 998 {
		p.put("t", fmt.Sprint("key", i), i)
	}
	p.put("u", "of another strategy", 1)
	p.eventually("it to fail", func() bool { return p.follower.Status().Failing != "" })
	if got, want := p.backlog(5000), (replica.Backlog{Entries: 1000}); got != want {
		t.Errorf("cut off, it is %+v, want %+v", got, want)
	}
	if got, want := p.backlog(1001), (replica.Backlog{Entries: 1000}); got != want {
		t.Errorf("with as many looked at as there are, it is %+v, want %+v", got, want)
	}
	if got, want := p.backlog(600), (replica.Backlog{Entries: 600, More: true}); got != want {
		t.Errorf("with fewer looked at than there are, it is %+v, want %+v", got, want)
	}
	p.to.down.Store(false)
	p.eventually("all to be there again", func() bool { return p.backlog(5000) == replica.Backlog{} })
	if got, want := dump(t, p.to, "t"), dump(t, p.from, "t"); got != want {
		t.Errorf("with nothing left to get, it has\n%s\nwant\n%s", got, want)
	}
}

// TestBacklogNotKnown: nothing is told of a target before it is known where it stands, nor
// while the source does not answer.
func TestBacklogNotKnown(t *testing.T) {
	t.Parallel()
	p := newPair(t, replica.Options{})
	p.put("t", "k", 1)
	from := &away{Forward: store.Forward{Store: p.from}}
	p.to.down.Store(true)
	p.restart(func(o *replica.Options) { o.From, o.FromName = from, "never seen" })
	p.eventually("it to fail", func() bool { return p.follower.Status().Failing != "" })
	if b, known, err := p.follower.Backlog(t.Context(), 10); known || err != nil {
		t.Errorf("of what can't be written it is %+v, %v", b, err)
	}
	p.to.down.Store(false)
	p.eventually("it to catch up", func() bool { return p.follower.Status().Known })
	from.silent.Store(true)
	if b, known, err := p.follower.Backlog(t.Context(), 10); known || store.CodeOf(err) != store.Unavailable {
		t.Errorf("of a source that does not answer it is %+v, known: %t, %v", b, known, err)
	}
}
