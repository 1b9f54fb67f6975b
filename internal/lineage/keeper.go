package lineage

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
)

// Member is a store that may be promoted or replaced. Own: other instances have another
// store of that name, as where it is a file.
type Member struct {
	Name  string
	Store store.Store // past its fence
	Own   bool
}

// Options set a Keeper up. Members is required.
type Options struct {
	Members func() []Member
	// Changed is told of each claim that is later than all before, once it is fenced what
	// that fences; nil: nobody is.
	Changed func(Claim)
	Logger  zerolog.Logger

	Every   time.Duration // between two looks at the claims; 1 s
	Timeout time.Duration // of a call to a member; 700 ms
}

// Keeper goes by the latest claim there is.
type Keeper struct {
	o    Options
	stop context.CancelFunc
	done sync.WaitGroup

	changing sync.Mutex // held while claims are compared and written
	now      atomic.Pointer[standing]
}

// standing is a claim and what this instance makes of it.
type standing struct {
	Claim
	barred map[string]string // why, by the member's name
}

// Open reads the claims of all members, and fails where one of them can't be understood.
// Those that can't be reached are asked again later.
func Open(ctx context.Context, o Options) (*Keeper, error) {
	o.Every, o.Timeout = cmp.Or(o.Every, time.Second), cmp.Or(o.Timeout, 700*time.Millisecond)
	k := &Keeper{o: o}
	k.now.Store(&standing{})
	if err := k.look(ctx); err != nil && store.CodeOf(err) == store.Internal {
		return nil, err
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	k.stop = stop
	k.done.Go(func() { k.follow(following) })
	return k, nil
}

// Close ends the looking.
func (k *Keeper) Close() error {
	k.stop()
	k.done.Wait()
	return nil
}

// Claim is the latest that has been seen.
func (k *Keeper) Claim() Claim { return k.now.Load().Claim }

// Fence says why a member must not be used, "" where it may. It takes nanoseconds.
func (k *Keeper) Fence(name string) string {
	barred := k.now.Load().barred
	if len(barred) == 0 {
		return ""
	}
	return barred[name]
}

func (k *Keeper) follow(ctx context.Context) {
	look := time.NewTicker(k.o.Every)
	defer look.Stop()
	for failed := false; ; {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
		err := k.look(ctx)
		if internal := store.CodeOf(err) == store.Internal; internal != failed {
			if failed = internal; failed {
				k.o.Logger.Error().Err(err).Msg("who was promoted can't be read")
			}
		}
	}
}

// look reads the claims of all members, goes by the latest, and keeps it in those that
// have an older one.
func (k *Keeper) look(ctx context.Context) error {
	k.changing.Lock()
	defer k.changing.Unlock()
	_, err := k.lookHeld(ctx)
	return err
}

// seen is what members keep, those that could be reached.
type seen map[string]kept

// lookHeld does so for one who holds changing. The error is the worst of those that there
// were: a claim that can't be understood.
func (k *Keeper) lookHeld(ctx context.Context) (seen, error) {
	members := k.o.Members()
	found, errs := make([]kept, len(members)), make([]error, len(members))
	var all sync.WaitGroup
	for i, m := range members {
		all.Go(func() { found[i], errs[i] = read(ctx, m.Store, k.o.Timeout) })
	}
	all.Wait()
	latest := k.Claim()
	by := make(seen, len(members))
	var worst error
	for i, m := range members {
		if errs[i] != nil {
			if worst == nil || store.CodeOf(errs[i]) == store.Internal {
				worst = errs[i]
			}
			continue
		}
		by[m.Name] = found[i]
		if found[i].compare(&latest) > 0 {
			latest = found[i].Claim
		}
	}
	k.goBy(latest, members, by)
	for _, m := range members {
		if was, reached := by[m.Name]; reached && was.compare(&latest) < 0 && !k.isAnothers(m, latest) {
			k.bringUpToDate(ctx, m, latest, was)
		}
	}
	return by, worst
}

// isAnothers says whether a member is the one that was promoted by name only.
func (k *Keeper) isAnothers(m Member, c Claim) bool { return m.Own && m.Name == c.Primary }

// goBy has a claim count here.
func (k *Keeper) goBy(c Claim, members []Member, by seen) {
	was := k.now.Load()
	next := &standing{Claim: c, barred: make(map[string]string)}
	for _, f := range c.Fenced {
		next.barred[f.Name] = "its place was taken by " + f.By + ", and it has not been compared with that since"
	}
	for _, m := range members {
		if own, reached := by[m.Name]; k.isAnothers(m, c) && (reached && own.compare(&c) < 0 || !reached && was.barred[m.Name] != "") {
			next.barred[m.Name] = "the one of that name was promoted that another instance has"
		}
	}
	k.now.Store(next)
	if was.compare(&c) == 0 {
		return
	}
	k.o.Logger.Warn().Int64("epoch", c.Epoch).Str("primary", c.Primary).Str("system", c.System).Int("fenced", len(c.Fenced)).Msg("members have taken the places of others")
	if k.o.Changed != nil {
		k.o.Changed(c)
	}
}

// bringUpToDate keeps the latest claim in a member. Where that fails the next look does it.
func (k *Keeper) bringUpToDate(ctx context.Context, m Member, c Claim, was kept) {
	if err := write(ctx, m.Store, k.o.Timeout, c, was); err != nil {
		k.o.Logger.Info().Err(err).Str("backend", m.Name).Msg("the claim can't be kept in this member now")
	}
}
