// Package fastestread is the strategy that writes as multi-write does and reads from
// whichever member has been answering fastest, with a second one asked where that is late.
//
//	s, err := fastestread.New(fastestread.Options{Options: multiwrite.Options{
//		Name: "fastest-read(pg,local)", Primary: pg, Secondaries: secondaries,
//	}})
//	defer s.Close()
//
// A secondary is asked only where the reader takes a copy that may be as old as the
// secondary is behind, and its answer counts only if it is not below the version that the
// reader has seen, and the secondary still has what it had. Without such leave, and for everything but reads of entries, the primary
// is asked.
//
// # Hedges
//
// Where the member asked has not answered within the time that 95 of 100 of its answers
// took of late, the next is asked too, and the first good answer counts (Dean and Barroso,
// The Tail at Scale, 2013). So that a slow day does not become twice the load, at most one
// read in twenty has such a second, and none while a member fails.
package fastestread

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"larder/internal/store"
	"larder/internal/strategy/multiwrite"
)

// Engine is the name of the strategy.
const Engine = "fastest-read"

// Options set a Store up. Those of multi-write are required.
type Options struct {
	multiwrite.Options
	PrimaryName string        // among the figures
	Staleness   time.Duration // how old what a secondary answers may be by default; 1 s
}

// Store is a primary and secondaries, of which the fastest is read.
type Store struct {
	*multiwrite.Store
	name      string
	staleness time.Duration
	members   []*member // the primary first
	hedging   budget
	asks      sync.WaitGroup

	hedges, hedgesWon, fallbacks atomic.Int64
}

var _ store.Store = (*Store)(nil)

// member is one that can be read.
type member struct {
	name    string
	store   store.Store
	replica multiwrite.Replica // nil: the primary
	speed   speed
	answers atomic.Int64
}

// New makes the strategy.
func New(o Options) (*Store, error) {
	both, err := multiwrite.New(o.Options)
	if err != nil {
		return nil, err
	}
	s := &Store{Store: both, name: o.Name, staleness: cmp.Or(o.Staleness, time.Second)}
	s.members = append(s.members, &member{name: cmp.Or(o.PrimaryName, o.Primary.Info().Name), store: o.Primary})
	for _, one := range o.Secondaries {
		s.members = append(s.members, &member{name: one.Name, store: one.Store, replica: one.Replica})
	}
	return s, nil
}

// Info is multi-write's, by the strategy's name.
func (s *Store) Info() store.Info {
	info := s.Store.Info()
	info.Name, info.Engine = s.name, Engine
	return info
}

// Close waits for the members that are still being asked, and ends what multi-write has.
func (s *Store) Close() error {
	s.asks.Wait()
	return s.Store.Close()
}

// exploring is how many reads there are to one that asks a member other than the fastest,
// so that its speed is known.
const exploring = 64

// Get reads from the fastest member whose answer the reader takes.
func (s *Store) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	fresh := store.FreshnessOf(ctx)
	if !fresh.Recent && fresh.MaxAge == 0 || len(refs) == 0 {
		return s.Store.Get(ctx, refs)
	}
	bound := cmp.Or(fresh.MaxAge, s.staleness)
	order := s.order(bound)
	s.hedging.read()
	if len(order) == 1 {
		read, err := s.ask(ctx, order[0], refs, fresh)
		if err != nil {
			return s.Store.Get(ctx, refs) // which has the last word, and takes an old copy perhaps
		}
		return read, nil
	}
	return s.race(ctx, order, refs, fresh)
}

// order are the members that may be asked, the fastest first, those that have just failed
// last. Without a secondary that is near enough it is the primary alone.
func (s *Store) order(bound time.Duration) []*member {
	order := make([]*member, 0, len(s.members))
	for _, m := range s.members {
		if m.replica != nil {
			if lag, known := m.replica.Lag(); !known || lag > bound {
				continue
			}
		}
		order = append(order, m)
	}
	slices.SortStableFunc(order, func(a, b *member) int { return cmp.Compare(a.speed.rank(), b.speed.rank()) })
	if len(order) > 1 && rand.IntN(exploring) == 0 {
		other := 1 + rand.IntN(len(order)-1)
		order[0], order[other] = order[other], order[0]
	}
	return order
}

// errBelow is the answer of a member that has not what the reader has seen.
var errBelow = &store.Error{Code: store.VersionMismatch, Detail: "the member is behind what the reader has seen"}

// errForgotten is the answer of a secondary that has not what it had.
var errForgotten = &store.Error{Code: store.VersionMismatch, Detail: "the member has come back without some of what it had"}

// ask reads from one member, whose answer has to be good.
func (s *Store) ask(ctx context.Context, m *member, refs []store.Ref, fresh store.Freshness) (store.Read, error) {
	began := time.Now()
	lag, wanted := time.Duration(0), refs
	if m.replica != nil {
		lag, _ = m.replica.Lag()
		wanted = append(slices.Clip(refs), m.replica.Witness())
	}
	read, err := m.store.Get(store.WithFreshness(ctx, store.Freshness{}), wanted)
	took := time.Since(began)
	switch {
	case err == nil:
		m.speed.took(took)
	case ctx.Err() == nil && store.CodeOf(err).Fault() == store.ServersFault:
		m.speed.failed()
		return store.Read{}, err
	default:
		return store.Read{}, err
	}
	if m.replica == nil {
		m.answers.Add(1)
		return read, nil
	}
	if !m.replica.Attests(read.Entries[len(refs)]) {
		store.TraceOf(ctx).Note(m.name, "lacks what it had")
		return store.Read{}, errForgotten
	}
	read.Entries = read.Entries[:len(refs)]
	if slices.ContainsFunc(read.Entries, func(e store.Entry) bool { return e.Version < fresh.MinVersion }) {
		store.TraceOf(ctx).Note(m.name, "behind what was asked for")
		return store.Read{}, errBelow
	}
	m.answers.Add(1)
	read.Source, read.Horizon = store.Source{Copy: m.name, Age: lag + took}, 0
	return read, nil
}

// answer is what one of a race has given.
type answer struct {
	read  store.Read
	err   error
	place int
}

// race asks the fastest, and the next where that is late or fails, until one has given a
// good answer. Whoever has not answered by then is told to stop.
func (s *Store) race(ctx context.Context, order []*member, refs []store.Ref, fresh store.Freshness) (store.Read, error) {
	racing, stop := context.WithCancel(ctx)
	defer stop()
	answers := make(chan answer, len(order))
	next, running, failed := 0, 0, false
	begin := func() {
		place := next
		next, running = next+1, running+1
		s.asks.Go(func() {
			read, err := s.ask(racing, order[place], refs, fresh)
			answers <- answer{read, err, place}
		})
	}
	begin()
	late := time.NewTimer(order[0].speed.late())
	defer late.Stop()
	hedged := false
	for running > 0 {
		select {
		case a := <-answers:
			running--
			if a.err == nil {
				if hedged && a.place > 0 {
					s.hedgesWon.Add(1)
				}
				if failed {
					s.fallbacks.Add(1)
				}
				return a.read, nil
			}
			failed = failed || a.place == 0 && store.CodeOf(a.err).Fault() == store.ServersFault && ctx.Err() == nil
			if running == 0 && next < len(order) && ctx.Err() == nil {
				begin()
			}
		case <-late.C:
			if next < len(order) && !s.anyRests() && s.hedging.spend() {
				hedged = true
				s.hedges.Add(1)
				begin()
			}
		}
	}
	read, err := s.Store.Get(ctx, refs) // which has the last word, and takes an old copy perhaps, and counts that itself
	if err == nil && failed && order[0].replica != nil && read.Source.Copy == "" {
		s.fallbacks.Add(1)
	}
	return read, err
}

func (s *Store) anyRests() bool {
	return slices.ContainsFunc(s.members, func(m *member) bool { return m.speed.resting() })
}

// Told are figures, as metrics have them.
func (s *Store) Told() []store.Figure {
	counter := func(name, help string, n int64) store.Figure {
		return store.Figure{Name: name + "_total", Help: help, Value: float64(n), Counter: true}
	}
	var secondaries int64
	for _, m := range s.members[1:] {
		secondaries += m.answers.Load()
	}
	told := s.Store.Told()
	for i := range told {
		if told[i].Name == "fallbacks_total" {
			told[i].Value += float64(s.fallbacks.Load())
		}
	}
	return append(
		told,
		counter("primary_answers", "Reads that the primary has answered.", s.members[0].answers.Load()),
		counter("secondary_answers", "Reads that a secondary has answered.", secondaries),
		counter("hedges", "Reads for which a second member was asked, since the first was late.", s.hedges.Load()),
		counter("hedges_won", "Those that the second has answered first.", s.hedgesWon.Load()),
	)
}
