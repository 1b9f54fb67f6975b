package intercept

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestPlacesAreGivenInTurn has two wait for the one place, one who has gone between them,
// and one who comes when it is free but theirs.
func TestPlacesAreGivenInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(1)
		if !p.try() || p.try() {
			t.Fatal("there is not one place")
		}
		var order []string
		var all sync.WaitGroup
		wait := func(ctx context.Context, name string) {
			all.Go(func() {
				taken, err := p.wait(ctx, time.Minute)
				if !taken {
					if !errors.Is(err, context.Canceled) {
						t.Errorf("%s got no place: %v", name, err)
					}
					return
				}
				order = append(order, name)
				<-time.After(time.Second)
				p.leave()
			})
			synctest.Wait()
		}
		gone, leave := context.WithCancel(t.Context())
		wait(t.Context(), "first")
		wait(gone, "gone")
		wait(t.Context(), "second")
		leave()
		p.leave()
		if p.try() {
			t.Error("one got past the queue")
		}
		all.Wait()
		if len(order) != 2 || order[0] != "first" || order[1] != "second" {
			t.Errorf("the order was %v", order)
		}
		if taken, err := p.wait(t.Context(), 0); !taken || err != nil {
			t.Errorf("a free place is not given: %v", err)
		}
		if taken, err := p.wait(t.Context(), time.Second); taken || err != nil {
			t.Errorf("one that is taken: %v %v", taken, err)
		}
		p.leave()
		if !p.try() {
			t.Error("a place was lost")
		}
	})
}

// TestPlacesAreNeitherLostNorMade has many take and give back at once, some of whom give up.
func TestPlacesAreNeitherLostNorMade(t *testing.T) {
	t.Parallel()
	const most, clients, rounds = 3, 16, 2000
	p := newPlaces(most)
	var inside, done atomic.Int64
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for n := range rounds {
				patience := time.Minute
				if (n+c)%5 == 0 {
					patience = time.Microsecond
				}
				if !p.try() {
					if taken, err := p.wait(t.Context(), patience); err != nil {
						t.Error(err)
					} else if !taken {
						continue
					}
				}
				if now := inside.Add(1); now > most {
					t.Errorf("%d are inside", now)
				}
				done.Add(1)
				inside.Add(-1)
				p.leave()
			}
		})
	}
	all.Wait()
	if p.free.Load() != most || p.waiting.Load() != 0 || p.queue.Len() != 0 {
		t.Errorf("%d places are free and %d wait", p.free.Load(), p.waiting.Load())
	}
	if done.Load() < clients*rounds*4/5 {
		t.Errorf("only %d got in", done.Load())
	}
}
