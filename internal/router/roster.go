package router

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
	"larder/internal/value"
)

// rosterTable is the system table of the instances. Its keys are theirs.
const rosterTable = "_instances"

// RosterOptions set a Roster up. Store and Instance are required.
type RosterOptions struct {
	Store    store.Store
	Alone    func() bool // no other instance has the store; nil: others may
	Instance string      // who this is, and nobody else
	Name     string      // what people know it as
	Logger   zerolog.Logger

	Beat  time.Duration // between two signs of life while tables are moved, else three times that; 1 s
	Trust time.Duration // without one of its own, after which this instance no longer knows what counts; 6 s
	Dead  time.Duration // without one that another sees, after which it is taken for gone; 15 s
}

// Roster is which instances there are, and by which routes they go. Each says so in an entry
// of its own that it writes every now and then.
//
// Whether one lives is judged by whether its entry changes, by the clock of whoever looks,
// and whether this one is trusted by its own clock from before its last sign of life that
// came through. So one that others take for gone has stopped trusting itself before.
type Roster struct {
	o    RosterOptions
	stop context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex
	renewed time.Time // before the last sign of life that came through
	said    presence  // at that time
	seen    map[string]sighting
}

// sighting is when the entry of an instance was first seen as it is.
type sighting struct {
	version int64
	at      time.Time
}

// presence is what an instance says of itself.
type presence struct {
	Name    string `json:"name"`
	Routes  int64  `json:"routes"`  // the version of those that it goes by
	Settled bool   `json:"settled"` // no call is under way by earlier ones
	Gone    bool   `json:"gone,omitempty"`
}

// OpenRoster gives the first sign of life, by which no routes are known yet: it comes before
// they are read. One that does not come through comes later.
func OpenRoster(ctx context.Context, o RosterOptions) *Roster {
	o.Beat, o.Trust, o.Dead = cmp.Or(o.Beat, time.Second), cmp.Or(o.Trust, 6*time.Second), cmp.Or(o.Dead, 15*time.Second)
	r := &Roster{o: o, seen: map[string]sighting{}, stop: func() {}}
	r.renew(ctx, presence{Name: o.Name})
	return r
}

// Follow says from now on by which routes this instance goes, and looks at the others.
func (r *Roster) Follow(b *Book) {
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.done.Go(func() { r.run(ctx, b) })
}

// Close says that the instance is gone.
func (r *Roster) Close() error {
	r.stop()
	r.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), r.o.Beat)
	defer cancel()
	r.renew(ctx, presence{Name: r.o.Name, Gone: true})
	return nil
}

// Trusted says whether others still know that this instance lives.
func (r *Roster) Trusted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.renewed) < r.o.Trust
}

// tick lies between two looks at whether there is something new to say.
const tick = 20 * time.Millisecond

func (r *Roster) run(ctx context.Context, b *Book) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var told presence
	var tried time.Time
	for {
		transfer, version := b.Transfer()
		beat := r.o.Beat
		if transfer == nil {
			beat *= 3 // nobody waits for this instance
		}
		now := presence{Name: r.o.Name, Routes: version, Settled: b.o.Router.Settled()}
		news := now != told && now.Settled && time.Since(tried) >= r.o.Beat/20
		if news || time.Since(tried) >= beat {
			tried = time.Now()
			if r.renew(ctx, now) {
				told = now
			}
			if _, err := r.look(ctx); err != nil && ctx.Err() == nil {
				r.o.Logger.Debug().Err(err).Msg("the other instances can't be looked at")
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// renew gives a sign of life, and says whether it came through.
func (r *Roster) renew(ctx context.Context, p presence) bool {
	began := time.Now()
	if !r.alone() {
		if err := r.write(ctx, p); err != nil {
			r.o.Logger.Debug().Err(err).Msg("this instance can't say that it lives")
			return false
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.renewed, r.said = began, p
	return true
}

func (r *Roster) alone() bool { return r.o.Alone != nil && r.o.Alone() }

func (r *Roster) write(ctx context.Context, p presence) error {
	ctx, cancel := context.WithTimeout(ctx, r.o.Trust/2)
	defer cancel()
	text, err := json.Marshal(p)
	var v value.Value
	if err == nil {
		v, err = value.Parse(text, value.Limits{MaxBytes: len(text)})
	}
	if err == nil {
		_, err = r.o.Store.Apply(ctx, store.Batch{Ops: []store.Op{{
			Kind: store.Put, Ref: store.Ref{Table: rosterTable, Key: r.o.Instance}, Value: v,
			Expiry: store.ExpiresIn(4 * r.o.Dead),
		}}})
	}
	return err
}

// living is an instance that is not taken for gone.
type living struct {
	presence
	id string
}

// look finds out which instances live.
func (r *Roster) look(ctx context.Context) ([]living, error) {
	if r.alone() {
		r.mu.Lock()
		defer r.mu.Unlock()
		return []living{{r.said, r.o.Instance}}, nil
	}
	var all []living
	seen := map[string]sighting{}
	for s, more := (store.Scan{Table: rosterTable}), true; more; more = s.After != "" {
		page, err := r.o.Store.Scan(ctx, s)
		if err != nil {
			return nil, err
		}
		r.mu.Lock()
		for i := range page.Entries {
			e := &page.Entries[i]
			at, known := r.seen[e.Key]
			if !known || at.version != e.Version {
				at = sighting{e.Version, time.Now()}
			}
			seen[e.Key] = at
			var p presence
			if err := json.Unmarshal(e.Value.Data, &p); err != nil {
				r.o.Logger.Warn().Err(err).Msg("what an instance says of itself can't be read")
			}
			if !p.Gone && time.Since(at.at) < r.o.Dead {
				all = append(all, living{p, e.Key})
			}
		}
		r.mu.Unlock()
		s.After = page.Next
	}
	r.mu.Lock()
	r.seen = seen
	r.mu.Unlock()
	return all, nil
}

// Others counts the instances that live besides this one.
func (r *Roster) Others(ctx context.Context) (int, error) {
	all, err := r.look(ctx)
	return len(slices.DeleteFunc(all, func(l living) bool { return l.id == r.o.Instance })), err
}

// Await waits until every instance that lives goes by routes of a version, or later ones,
// and no call is under way by earlier ones. Where that is not so when ctx ends, it gives the
// names of those that it waited for. waits is told of them meanwhile.
func (r *Roster) Await(ctx context.Context, version int64, waits func(names []string)) ([]string, error) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var names []string
	for {
		all, err := r.look(ctx)
		if err == nil {
			names = nil
			for _, l := range all {
				if l.Routes < version || !l.Settled {
					names = append(names, cmp.Or(l.Name, l.id))
				}
			}
			if len(names) == 0 {
				return nil, nil
			}
			waits(names)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return names, store.AsError(ctx.Err())
		}
	}
}
