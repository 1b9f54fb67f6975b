package router

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
	"larder/internal/value"
)

// bookRef is the entry that routes are kept in, in the member of the system tables.
var bookRef = store.Ref{Table: "_routes", Key: "routes"}

// BookOptions set a Book up. All but Trusted, Refuse, Listing, Logger, Wait and Pause are
// required.
type BookOptions struct {
	Router  *Router
	Members func() []string              // that there are
	Default Routes                       // while none are kept
	Build   func(Routes) ([]Lane, error) // makes what the router is to go by
	Trusted func() bool                  // see [Hold]
	Logger  zerolog.Logger

	// Refuse says why routes that are put must not name a member that those before did
	// not, "" where they may. nil: they may.
	Refuse func(member string) string

	// Listing is what backends are kept in. Routes are kept only while all that they name
	// are in it as they were when the routes were looked at. nil: backends don't change.
	Listing *Listing

	Wait  time.Duration // of one long poll for changes; 30 s
	Pause time.Duration // before the feed is asked again after it failed; 250 ms
}

// Book keeps the routes. They are an entry of a system table, so all instances go by the
// same: each follows that table's feed, and has its router go by what it brings within a
// moment. While nothing is kept there the routes are those of the settings.
type Book struct {
	o         BookOptions
	following following

	mu       sync.Mutex
	version  int64 // of the entry whose routes the router goes by; 0: of none
	routes   Routes
	put      bool      // the routes are kept, and not those of the settings
	transfer *Transfer // that is under way; nil: none is
}

// OpenBook reads the routes that are kept, and has the router go by them. It fails where
// they can't be read, or are not possible with the members there are.
func OpenBook(ctx context.Context, o BookOptions) (*Book, error) {
	o.Wait, o.Pause = cmp.Or(o.Wait, 30*time.Second), cmp.Or(o.Pause, 250*time.Millisecond)
	b := &Book{o: o, routes: o.Default}
	b.following = following{
		router: o.Router, table: bookRef.Table, what: "the routes", log: o.Logger, wait: o.Wait, pause: o.Pause, take: b.reread,
	}
	if err := b.following.begin(ctx, false); err != nil {
		return nil, fmt.Errorf("the routes that are kept in %s: %w", bookRef, err)
	}
	if routes, version := b.Routes(); b.put {
		o.Logger.Info().Int64("version", version).Stringer("routes", routes).Msg("routes that were put count, and those of the settings do not")
	}
	return b, nil
}

// Close ends the following.
func (b *Book) Close() error {
	b.following.close()
	return nil
}

// Routes are those that count here now, and the version of what is kept, 0 for nothing.
func (b *Book) Routes() (Routes, int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.routes, b.version
}

// reread takes in what is kept now. anew says that it may be older than what was.
func (b *Book) reread(ctx context.Context, anew bool) error {
	read, err := b.o.Router.Get(ctx, []store.Ref{bookRef})
	if err != nil {
		return err
	}
	return b.take(read.Entries[0], anew)
}

// kept is what the entry holds. Without routes those of the settings count.
type kept struct {
	Routes []struct {
		Pattern  string   `json:"pattern"`
		Strategy string   `json:"strategy"`
		Members  []string `json:"members"`
	} `json:"routes,omitempty"`
	Transfer *Transfer `json:"transfer,omitempty"`
}

func parseKept(e store.Entry) (Routes, *Transfer, error) {
	var k kept
	if err := json.Unmarshal(e.Value.Data, &k); err != nil {
		return nil, nil, err
	}
	routes := make(Routes, len(k.Routes))
	for i, r := range k.Routes {
		routes[i] = Route(r)
	}
	return routes, k.Transfer, nil
}

// take has the router go by the routes of an entry, unless it goes by those of a later
// version, which only a store that has gone back takes away.
func (b *Book) take(e store.Entry, anew bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.Version == b.version || e.Version < b.version && !anew {
		return nil
	}
	var routes Routes
	var transfer *Transfer
	if e.Exists() {
		var err error
		if routes, transfer, err = parseKept(e); err != nil {
			return err
		}
	}
	put := len(routes) > 0
	if !put {
		routes = b.o.Default
	} else if err := routes.Validate(b.o.Members()); err != nil {
		return err
	}
	if err := b.apply(routes, transfer); err != nil {
		return err
	}
	b.routes, b.put, b.transfer, b.version = routes, put, transfer, e.Version
	return nil
}

// apply has the router go by routes, and by what a transfer asks of calls.
func (b *Book) apply(routes Routes, transfer *Transfer) error {
	lanes, err := b.o.Build(routes)
	if err != nil {
		return err
	}
	var holds []Hold
	if transfer != nil {
		holds = append(holds, transfer.hold(b.o.Trusted))
	}
	b.o.Router.Swap(lanes, holds...)
	return nil
}

// Change says how routes are to be put.
type Change struct {
	If     store.Precondition // on what is kept
	DryRun bool               // say what would move, and change nothing
	// Moves lets tables have another primary from now on than the one that their
	// entries are in.
	Moves bool
}

// Move is a table that has entries and would have another primary.
type Move struct{ Table, From, To string }

// Put keeps routes for all instances. It fails with InvalidRoutes where they are not
// possible, with TablesWouldMove where tables would leave their entries behind, and with
// Busy while tables are being moved.
func (b *Book) Put(ctx context.Context, routes Routes, c Change) (moves []Move, version int64, err error) {
	err = b.decide(ctx, routes.members(), func(guards []Guard) error {
		moves, version, err = b.putOnce(ctx, routes, c, guards)
		return err
	})
	return moves, version, err
}

func (b *Book) putOnce(ctx context.Context, routes Routes, c Change, guards []Guard) ([]Move, int64, error) {
	err := b.check(routes)
	if err != nil && b.o.Listing != nil {
		if renewing := b.o.Listing.Renew(ctx); renewing != nil { // one may have been added just now
			return nil, 0, renewing
		}
		err = b.check(routes)
	}
	if err != nil {
		return nil, 0, invalidRoutes(err)
	}
	moves, err := b.moves(ctx, routes)
	if err != nil {
		return nil, 0, err
	}
	transfer, version := b.Transfer()
	if c.DryRun {
		return moves, version, nil
	}
	if transfer != nil {
		return nil, 0, underWay(transfer)
	}
	if len(moves) > 0 && !c.Moves {
		return nil, 0, wouldMove(moves)
	}
	version, err = b.keep(ctx, routes, nil, c.If, guards)
	return moves, version, err
}

// check holds routes that are put to the members, and to those that may be named anew.
func (b *Book) check(routes Routes) error {
	if err := routes.Validate(b.o.Members()); err != nil || b.o.Refuse == nil {
		return err
	}
	before, _ := b.Routes()
	var wrong WrongRoutes
	for i, r := range routes {
		for _, member := range r.Members {
			if why := b.o.Refuse(member); why != "" && len(before.Naming(member)) == 0 {
				wrong = append(wrong, Wrong{i, "members", fmt.Sprintf("%s can't be named anew in %s: %s", member, r, why)})
			}
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// Replace keeps routes without a look at which tables move, for when their primary is gone.
// What is being moved stays where it was.
func (b *Book) Replace(ctx context.Context, routes Routes, only store.Precondition) (version int64, err error) {
	err = b.decide(ctx, routes.members(), func(guards []Guard) error {
		if err := routes.Validate(b.o.Members()); err != nil {
			return invalidRoutes(err)
		}
		version, err = b.keep(ctx, routes, nil, only, guards)
		return err
	})
	return version, err
}

// Rebuild has the router go by the same routes with lanes that are built anew.
func (b *Book) Rebuild() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.apply(b.routes, b.transfer)
}

// Renew reads what is kept, which may be older than what was.
func (b *Book) Renew(ctx context.Context) error { return b.reread(ctx, true) }

// keep writes routes and a transfer while the guards hold, and goes by them. Where it is not
// known whether that was done, it is read.
func (b *Book) keep(ctx context.Context, routes Routes, t *Transfer, only store.Precondition, guards []Guard) (int64, error) {
	v, err := keptValue(routes, t)
	if err != nil {
		return 0, err
	}
	_, before := b.Transfer()
	op := store.Op{Kind: store.Put, Ref: bookRef, If: only, Value: v}
	result, err := b.o.Router.guarded(ctx, op, guards)
	if errors.Is(err, store.Ambiguous) {
		read, readErr := b.o.Router.Get(ctx, []store.Ref{bookRef})
		if readErr == nil && read.Entries[0].Version == before+1 && read.Entries[0].Value.Equal(v) {
			return before + 1, b.take(read.Entries[0], false)
		}
	}
	if err != nil {
		return 0, err
	}
	return result.Entry.Version, b.take(result.Entry, false)
}

// moves are the tables with entries whose primary would be another.
func (b *Book) moves(ctx context.Context, routes Routes) ([]Move, error) {
	tables, err := b.o.Router.Tables(ctx)
	if err != nil {
		return nil, err
	}
	moves := []Move{}
	for _, t := range tables {
		if store.IsSystem(t.Name) || t.Entries == 0 {
			continue
		}
		if from, to := b.o.Router.RouteOf(t.Name).Primary(), routes.Of(t.Name).Primary(); from != to {
			moves = append(moves, Move{t.Name, from, to})
		}
	}
	return moves, nil
}

func keptValue(routes Routes, t *Transfer) (value.Value, error) {
	k := kept{Transfer: t}
	for _, r := range routes {
		k.Routes = append(k.Routes, struct {
			Pattern  string   `json:"pattern"`
			Strategy string   `json:"strategy"`
			Members  []string `json:"members"`
		}(r))
	}
	text, err := json.Marshal(k)
	if err != nil {
		return value.Value{}, &store.Error{Code: store.Internal, Err: err}
	}
	v, err := value.Parse(text, value.Limits{MaxBytes: len(text), MaxDepth: 8})
	if err != nil {
		return value.Value{}, &store.Error{Code: store.Internal, Err: err}
	}
	return v, nil
}

func invalidRoutes(err error) error {
	e := &store.Error{Code: store.InvalidRoutes, Field: "routes", Detail: err.Error()}
	if wrong := AsWrong(err); wrong != nil && wrong[0].Index >= 0 {
		e.Pointer = fmt.Sprintf("/%d", wrong[0].Index)
		if wrong[0].Field != "" {
			e.Pointer += "/" + wrong[0].Field
		}
	}
	return e
}

func wouldMove(moves []Move) error {
	const most = 5
	var texts []string
	for _, m := range moves[:min(most, len(moves))] {
		texts = append(texts, fmt.Sprintf("%s from %s to %s", m.Table, m.From, m.To))
	}
	if more := len(moves) - most; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return &store.Error{
		Code: store.TablesWouldMove, Field: "routes",
		Detail: "tables would have another primary and leave their entries behind: " + strings.Join(texts, ", ") + "; moves=allowed says that this is meant",
	}
}
