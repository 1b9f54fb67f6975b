package router_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/router"
	"larder/internal/store"
	"larder/internal/store/storetest"
)

// patience bounds every wait for what has to come sooner or later.
const patience = 20 * time.Second

// instance is one of several gateways over the same members.
type instance struct {
	*router.Router
	*router.Book
	a, b *storetest.Model

	lacksB  atomic.Bool
	lacked  atomic.Int64 // times that it was asked while it lacked b
	refuses atomic.Bool  // to have b named anew
}

func (x *instance) members() []string {
	if x.lacksB.Load() {
		x.lacked.Add(1)
		return []string{"a"}
	}
	return []string{"a", "b"}
}

func (x *instance) refuse(member string) string {
	if x.refuses.Load() && member == "b" {
		return "it is being drained"
	}
	return ""
}

// instances opens some over the same two members, a with the system's tables.
func instances(t *testing.T, n int) []*instance {
	t.Helper()
	var all []*instance
	for range n {
		x := &instance{a: model("a"), b: model("b")}
		if len(all) > 0 {
			x.a, x.b = all[0].a.Beside(), all[0].b.Beside()
		}
		routes := router.Routes{{Pattern: "*", Strategy: router.PrimaryOnly, Members: []string{"a"}}}
		lanes, err := x.build(routes)
		if err != nil {
			t.Fatal(err)
		}
		x.Router = newRouter(t, x.a, lanes...)
		x.open(t, routes)
		t.Cleanup(func() {
			if err := errors.Join(x.Book.Close(), x.Router.Close(), x.a.Close(), x.b.Close()); err != nil {
				t.Error(err)
			}
		})
		all = append(all, x)
	}
	return all
}

func (x *instance) open(t *testing.T, routes router.Routes) {
	t.Helper()
	var err error
	x.Book, err = router.OpenBook(t.Context(), router.BookOptions{
		Router: x.Router, Members: x.members, Refuse: x.refuse, Default: routes, Build: x.build, Pause: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (x *instance) build(routes router.Routes) ([]router.Lane, error) {
	lanes := make([]router.Lane, len(routes))
	for i, r := range routes {
		m := x.a
		if r.Primary() == "b" {
			m = x.b
		}
		lanes[i] = router.Lane{Route: r, Store: lend(m), Primary: m}
	}
	return lanes, nil
}

func parse(t *testing.T, text string) router.Routes {
	t.Helper()
	routes, err := router.ParseRoutes(text)
	if err != nil {
		t.Fatal(err)
	}
	return routes
}

func (x *instance) write(t *testing.T, table, key string) {
	t.Helper()
	if _, err := x.Apply(t.Context(), store.Batch{Ops: []store.Op{put(table, key)}}); err != nil {
		t.Fatal(err)
	}
}

func has(t *testing.T, m *storetest.Model, table, key string) bool {
	t.Helper()
	read, err := m.Get(t.Context(), []store.Ref{{Table: table, Key: key}})
	if err != nil {
		t.Fatal(err)
	}
	return read.Entries[0].Exists()
}

func eventually(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(patience); !isSo(); {
		select {
		case <-timeout:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

func TestRoutesThatArePutCountForAll(t *testing.T) {
	t.Parallel()
	both := instances(t, 2)
	first, second := both[0], both[1]
	if _, version := first.Book.Routes(); version != 0 {
		t.Fatalf("before any were put there is version %d", version)
	}
	_, version, err := first.Put(t.Context(), parse(t, "*=primary-only(a); users=primary-only(b)"), router.Change{})
	if err != nil || version != 1 {
		t.Fatalf("version %d, %v", version, err)
	}
	first.write(t, "users", "1")
	first.write(t, "others", "1")
	if !has(t, first.b, "users", "1") || has(t, first.a, "users", "1") || !has(t, first.a, "others", "1") {
		t.Error("writes do not go by the routes that were put")
	}
	eventually(t, "the other to follow", func() bool { _, version := second.Book.Routes(); return version == 1 })
	second.write(t, "users", "2")
	if !has(t, first.b, "users", "2") {
		t.Error("the other does not write by them")
	}
	// Who opens later goes by them too.
	if err := second.Book.Close(); err != nil {
		t.Fatal(err)
	}
	second.open(t, parse(t, "*=primary-only(b)"))
	if routes, version := second.Book.Routes(); version != 1 || routes.String() != "*=primary-only(a); users=primary-only(b)" {
		t.Errorf("opened again it goes by %q of version %d", routes, version)
	}
}

func TestRoutesAreHeldToTheirVersion(t *testing.T) {
	t.Parallel()
	x := instances(t, 1)[0]
	routes := parse(t, "*=primary-only(a)")
	if _, _, err := x.Put(t.Context(), routes, router.Change{If: store.IfVersion(3)}); store.CodeOf(err) != store.NotFound {
		t.Errorf("at a version where none is kept: %v", err)
	}
	for want := int64(1); want < 4; want++ {
		only := store.Precondition{Absent: want == 1}
		if want > 1 {
			only = store.IfVersion(want - 1)
		}
		if _, version, err := x.Put(t.Context(), routes, router.Change{If: only}); err != nil || version != want {
			t.Errorf("version %d, %v, want %d", version, err, want)
		}
	}
	if _, _, err := x.Put(t.Context(), routes, router.Change{If: store.IfVersion(1)}); store.CodeOf(err) != store.VersionMismatch {
		t.Errorf("at an old version: %v", err)
	}
}

func TestTablesDoNotMoveSilently(t *testing.T) {
	t.Parallel()
	x := instances(t, 1)[0]
	for _, table := range []string{"users", "sessions", "emptied"} {
		x.write(t, table, "1")
	}
	if _, err := x.Apply(t.Context(), store.Batch{Ops: []store.Op{{Kind: store.Delete, Ref: store.Ref{Table: "emptied", Key: "1"}}}}); err != nil {
		t.Fatal(err)
	}
	routes := parse(t, "*=primary-only(b); users=primary-only(a)")
	moves, version, err := x.Put(t.Context(), routes, router.Change{DryRun: true})
	if err != nil || version != 0 || len(moves) != 1 || moves[0] != (router.Move{Table: "sessions", From: "a", To: "b"}) {
		t.Errorf("a dry run says %v, %d, %v", moves, version, err)
	}
	_, _, err = x.Put(t.Context(), routes, router.Change{})
	if !errors.Is(err, store.TablesWouldMove) || !strings.Contains(store.AsError(err).Detail, "sessions from a to b") {
		t.Errorf("without leave: %v", err)
	}
	if got, version := x.Book.Routes(); version != 0 || got.String() != "*=primary-only(a)" {
		t.Errorf("then the routes are %q, %d", got, version)
	}
	if moves, version, err = x.Put(t.Context(), routes, router.Change{Moves: true}); err != nil || version != 1 || len(moves) != 1 {
		t.Errorf("with leave: %v, %d, %v", moves, version, err)
	}
	x.write(t, "sessions", "2")
	if !has(t, x.b, "sessions", "2") || has(t, x.b, "sessions", "1") {
		t.Error("writes do not go to the new primary, or entries have followed")
	}
}

func TestRoutesThatCanNotBe(t *testing.T) {
	t.Parallel()
	x := instances(t, 1)[0]
	for text, pointer := range map[string]string{
		"*=primary-only(a); users=primary-only(c)": "/1/members",
		"users=primary-only(a)":                    "",
		"*=primary-only(a); _x=primary-only(a)":    "/1/pattern",
		"*=write-behind(a)":                        "/0/strategy",
	} {
		_, _, err := x.Put(t.Context(), parse(t, text), router.Change{})
		if e := store.AsError(err); !errors.Is(err, store.InvalidRoutes) || e.Field != "routes" || e.Pointer != pointer {
			t.Errorf("%q gave %+v", text, err)
		}
	}
}

// TestRoutesOfAMemberThatComesLater has an instance learn of routes before it has a member
// that they name.
func TestRoutesOfAMemberThatComesLater(t *testing.T) {
	t.Parallel()
	both := instances(t, 2)
	first, second := both[0], both[1]
	second.lacksB.Store(true)
	if _, _, err := first.Put(t.Context(), parse(t, "*=primary-only(a); users=primary-only(b)"), router.Change{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := first.Put(t.Context(), parse(t, "*=primary-only(a)"), router.Change{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the routes that it can go by", func() bool { _, version := second.Book.Routes(); return version == 2 })
	lacked := second.lacked.Load()
	if _, _, err := first.Put(t.Context(), parse(t, "*=primary-only(a); orders=primary-only(b)"), router.Change{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it to have tried", func() bool { return second.lacked.Load() > lacked })
	second.lacksB.Store(false)
	eventually(t, "the routes of the member that has come", func() bool { return second.RouteOf("orders").Primary() == "b" })
}

func TestMemberThatMustNotBeNamedAnew(t *testing.T) {
	t.Parallel()
	x := instances(t, 1)[0]
	naming := parse(t, "*=primary-only(a); users=primary-only(b)")
	if _, _, err := x.Put(t.Context(), naming, router.Change{}); err != nil {
		t.Fatal(err)
	}
	x.refuses.Store(true)
	if _, _, err := x.Put(t.Context(), parse(t, "*=primary-only(a); users=primary-only(b); orders=primary-only(b)"), router.Change{}); err != nil {
		t.Errorf("a member that is named already: %v", err)
	}
	if _, _, err := x.Put(t.Context(), parse(t, "*=primary-only(a)"), router.Change{}); err != nil {
		t.Fatal(err)
	}
	_, _, err := x.Put(t.Context(), naming, router.Change{})
	if e := store.AsError(err); !errors.Is(err, store.InvalidRoutes) || e.Pointer != "/1/members" || !strings.Contains(e.Detail, "it is being drained") {
		t.Errorf("a member that is no longer: %v", err)
	}
}
