package router

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
	"larder/internal/value"
)

// listingTable is the system table that backends are kept in, an entry for each by its name.
const listingTable = "_backends"

// Use is what a backend is there for.
type Use string

// The uses. A backend is Active until it is said otherwise.
const (
	Active   Use = "active"
	Draining Use = "draining" // kept up to date, while reads go elsewhere
	Disabled Use = "disabled" // not called at all
)

// Uses are all of them.
func Uses() []Use { return []Use{Active, Draining, Disabled} }

// Listed is a backend as it is kept: one that was added, or what one of the settings is used
// for.
type Listed struct {
	Name    string
	URL     string // "": it is of the settings
	Use     Use
	Version int64 // of the entry that keeps it
}

// ListingOptions set a Listing up. All but Logger, Wait and Pause are required.
type ListingOptions struct {
	Router *Router
	Logger zerolog.Logger

	// Take has the process go by what is kept. It is called by one at a time, with all
	// there is, by name. After an error it is called again within a moment.
	Take func(ctx context.Context, all []Listed) error

	Wait  time.Duration // of one long poll for changes; 30 s
	Pause time.Duration // before it is tried again after it failed; 250 ms
}

// Listing keeps which backends were added while serving, and what each is used for. They are
// entries of a system table, which all instances follow.
type Listing struct {
	o         ListingOptions
	following following

	taking sync.Mutex // one at a time reads and takes
	mu     sync.Mutex
	all    []Listed
}

// OpenListing reads what is kept, and has the process go by it. What can't be taken in yet
// is tried again.
func OpenListing(ctx context.Context, o ListingOptions) (*Listing, error) {
	r := &Listing{o: o}
	r.following = following{
		router: o.Router, table: listingTable, what: "the backends that were added", log: o.Logger,
		wait: cmp.Or(o.Wait, 30*time.Second), pause: cmp.Or(o.Pause, 250*time.Millisecond),
		take: func(ctx context.Context, _ bool) error { return errors.Join(r.renew(ctx)) },
	}
	return r, r.following.begin(ctx, true)
}

// Close ends the following.
func (r *Listing) Close() error {
	r.following.close()
	return nil
}

// List gives all that is kept, by name.
func (r *Listing) List() []Listed {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

// Of finds one by its name.
func (r *Listing) Of(name string) (Listed, bool) {
	for _, l := range r.List() {
		if l.Name == name {
			return l, true
		}
	}
	return Listed{}, false
}

// Renew reads what is kept now, and has the process go by it.
func (r *Listing) Renew(ctx context.Context) error {
	err, _ := r.renew(ctx)
	return err
}

// Put keeps one while the guards hold, and has the process go by it. The error is of the
// keeping alone: what can't be taken in is tried again.
func (r *Listing) Put(ctx context.Context, l Listed, only store.Precondition, guards ...Guard) (Listed, error) {
	v, err := listedValue(l)
	if err != nil {
		return Listed{}, err
	}
	op := store.Op{Kind: store.Put, Ref: store.Ref{Table: listingTable, Key: l.Name}, If: only, Value: v}
	result, err := r.o.Router.guarded(ctx, op, guards)
	if err != nil {
		return Listed{}, err
	}
	l.Version = result.Entry.Version
	r.follow(ctx)
	return l, nil
}

// Remove keeps one no longer if the guards hold, and has the process go by that.
func (r *Listing) Remove(ctx context.Context, name string, only store.Precondition, guards ...Guard) error {
	op := store.Op{Kind: store.Delete, Ref: store.Ref{Table: listingTable, Key: name}, If: only}
	if _, err := r.o.Router.guarded(ctx, op, guards); err != nil {
		return err
	}
	r.follow(ctx)
	return nil
}

// follow goes at once by what has been kept. What fails is tried again by the following.
func (r *Listing) follow(ctx context.Context) {
	if err := errors.Join(r.renew(ctx)); err != nil {
		r.o.Logger.Warn().Err(err).Msg("a change of backends can't be gone by yet")
	}
}

// renew reads what is kept now, and takes it, each of which may fail.
func (r *Listing) renew(ctx context.Context) (reading, taking error) {
	r.taking.Lock()
	defer r.taking.Unlock()
	all, err := r.read(ctx)
	if err != nil {
		return err, nil
	}
	// Whoever goes by an earlier version while they are taken is refused; the other way
	// round, one would be let name a backend that is removed in a moment.
	taking = r.o.Take(ctx, all)
	r.mu.Lock()
	r.all = all
	r.mu.Unlock()
	return nil, taking
}

func (r *Listing) read(ctx context.Context) ([]Listed, error) {
	var all []Listed
	scan := store.Scan{Table: listingTable}
	for {
		page, err := r.o.Router.Scan(ctx, scan)
		if err != nil {
			return nil, err
		}
		for i := range page.Entries {
			l, err := parseListed(&page.Entries[i])
			if err != nil {
				return nil, err
			}
			all = append(all, l)
		}
		if page.Next == "" {
			slices.SortFunc(all, func(a, b Listed) int { return strings.Compare(a.Name, b.Name) })
			return all, nil
		}
		scan.After = page.Next
	}
}

// listing is what an entry holds.
type listing struct {
	URL   string `json:"url,omitempty"`
	State Use    `json:"state"`
}

func parseListed(e *store.Entry) (Listed, error) {
	var l listing
	if err := json.Unmarshal(e.Value.Data, &l); err != nil {
		return Listed{}, &store.Error{Code: store.Internal, Ref: e.Ref, Err: err}
	}
	if !slices.Contains(Uses(), l.State) {
		return Listed{}, &store.Error{Code: store.Internal, Ref: e.Ref, Detail: "what is kept has a state that is none"}
	}
	return Listed{Name: e.Key, URL: l.URL, Use: l.State, Version: e.Version}, nil
}

func listedValue(l Listed) (value.Value, error) {
	text, err := json.Marshal(listing{l.URL, l.Use})
	if err != nil {
		return value.Value{}, &store.Error{Code: store.Internal, Err: err}
	}
	v, err := value.Parse(text, value.Limits{MaxBytes: len(text), MaxDepth: 2})
	if err != nil {
		return value.Value{}, &store.Error{Code: store.Internal, Err: err}
	}
	return v, nil
}
