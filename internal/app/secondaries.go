package app

import (
	"context"
	"sync"
	"time"

	"larder/api"
	"larder/internal/replica"
	"larder/internal/telemetry"
)

// What is counted of a backlog whenever somebody asks, and how long that may take.
const (
	countedChanges = 10_000
	countTimeout   = time.Second
)

// standing is how a secondary stands to its primary.
type standing struct {
	replica.Status
	backlog replica.Backlog
	counted bool // whether that is known
}

// standings are those of pairs, in their order.
func standings(ctx context.Context, pairs []pair) []standing {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	all := make([]standing, len(pairs))
	var count sync.WaitGroup
	for i, p := range pairs {
		count.Go(func() {
			one := standing{Status: p.follower.Status()}
			var err error
			one.backlog, one.counted, err = p.follower.Backlog(ctx, countedChanges)
			one.counted = one.counted && err == nil // what is wrong with the primary its state says
			all[i] = one
		})
	}
	count.Wait()
	return all
}

// arrears are what a backend has still to get as a secondary, over all strategies.
type arrears struct {
	lag                         time.Duration // of the strategy that is furthest behind
	filling                     int           // strategies of which it has not had everything yet
	backlog, installed, refused int64
	more, uncounted             bool // of any strategy
}

func (a *arrears) add(s standing) {
	if s.Known {
		a.lag = max(a.lag, s.Lag)
	} else {
		a.filling++
	}
	a.backlog += s.backlog.Entries
	a.more = a.more || s.backlog.More
	a.uncounted = a.uncounted || !s.counted
	a.installed += s.Installed
	a.refused += s.Refused
}

// arrears are those of all backends that are kept up from another one's feed, by name.
func (s *strategies) arrears(ctx context.Context) map[string]*arrears {
	pairs := s.pairs()
	all := make(map[string]*arrears)
	for i, one := range standings(ctx, pairs) {
		name := pairs[i].secondary.name
		if all[name] == nil {
			all[name] = &arrears{}
		}
		all[name].add(one)
	}
	return all
}

// arrearsOf are those of one backend; nil: it is no secondary.
func (s *strategies) arrearsOf(ctx context.Context, name string) *arrears {
	var its []pair
	for _, p := range s.pairs() {
		if p.secondary.name == name {
			its = append(its, p)
		}
	}
	if len(its) == 0 {
		return nil
	}
	all := &arrears{}
	for _, one := range standings(ctx, its) {
		all.add(one)
	}
	return all
}

// tell has what is told of a backend say it.
func (a *arrears) tell(of *api.Backend) {
	if a == nil {
		return
	}
	if a.filling == 0 {
		of.LagSeconds = new(a.lag.Seconds())
	}
	if !a.uncounted {
		of.Backlog, of.BacklogMore = &a.backlog, a.more
	}
}

// secondaryFigures are what all backends are behind by as secondaries, as metrics have it.
func (s *strategies) secondaryFigures(ctx context.Context) map[string][]telemetry.Figure {
	figures := make(map[string][]telemetry.Figure)
	for name, a := range s.arrears(ctx) {
		all := []telemetry.Figure{
			{Name: "secondary_lag_seconds", Help: "How old what the backend has as a secondary may be, by the strategy that is furthest behind.", Value: a.lag.Seconds()},
			{Name: "secondary_filling", Help: "Strategies of which the backend, as a secondary, has not had everything yet.", Value: float64(a.filling)},
			{Name: "secondary_installed_entries", Help: "Entries that a primary's feed has brought to the backend.", Counter: true, Value: float64(a.installed)},
			{Name: "secondary_refused_entries", Help: "Entries of a primary that the backend can't hold.", Counter: true, Value: float64(a.refused)},
		}
		if !a.uncounted {
			all = append(all, telemetry.Figure{
				Name:  "secondary_backlog_entries",
				Help:  "Entries that the backend, as a secondary, has still to get, among the next 10,000 changes of each strategy.",
				Value: float64(a.backlog),
			})
		}
		figures[name] = all
	}
	return figures
}
