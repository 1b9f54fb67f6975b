package health

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errAway = errors.New("away")

// TestStates goes through all states by what looks come to.
func TestStates(t *testing.T) {
	t.Parallel()
	const slow = 500 * time.Millisecond
	caughtUp := func(time.Time) string { return "" }
	behind := func(time.Time) string { return "the cache" }
	answers := beat{waits: caughtUp}
	away := beat{err: errAway}
	for _, test := range []struct {
		name  string
		beats []beat
		want  []State
	}{
		{"once is no outage", []beat{answers, away, answers}, []State{Up, Suspect, Up}},
		{"twice is", []beat{away, away, away}, []State{Suspect, Down, Down}},
		{"slowly is, at once", []beat{{err: errAway, took: slow}}, []State{Down}},
		{"nothing to wait for", []beat{away, away, answers}, []State{Suspect, Down, Up}},
		{"it catches up", []beat{away, away, {waits: behind}, {waits: behind}, answers}, []State{Suspect, Down, Recovering, Recovering, Up}},
		{"it goes again", []beat{away, away, {waits: behind}, away, answers}, []State{Suspect, Down, Recovering, Down, Up}},
		{"fenced", []beat{away, away, {fenced: "replaced", waits: behind}, {fenced: "replaced"}, {waits: behind}, answers}, []State{Suspect, Down, Fenced, Fenced, Recovering, Up}},
		{"fenced and away", []beat{{fenced: "replaced"}, away, away, {fenced: "replaced"}}, []State{Fenced, Suspect, Down, Fenced}},
		{"fenced while it is up", []beat{answers, {fenced: "replaced"}}, []State{Up, Fenced}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := Condition{Since: time.Unix(0, 0)}
			for i, b := range test.beats {
				b.at = time.Unix(int64(i+1), 0)
				was := c
				c = c.after(b, slow)
				if c.State != test.want[i] {
					t.Fatalf("after look %d it is %s, want %s", i, c.State, test.want[i])
				}
				if changed := c.State != was.State; changed != c.Since.Equal(b.at) {
					t.Errorf("after look %d it is %s since %v", i, c.State, c.Since.Unix())
				}
				if waits := c.Waits != ""; waits != (c.State == Recovering || c.State == Fenced) {
					t.Errorf("after look %d it is %s and waits for %q", i, c.State, c.Waits)
				}
			}
		})
	}
}

// TestWatch has a backend go and come back, and asks how it is meanwhile.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var gone atomic.Bool
		var since time.Time // of the watcher until it is closed, as told
		var told []State
		w := Watch(Options{
			Ping: func(context.Context) error {
				if gone.Load() {
					return errAway
				}
				return nil
			},
			Waits: func(s time.Time) string {
				if since = s; time.Since(s) < 2*time.Second {
					return "a replica"
				}
				return ""
			},
			Changed: func(_, to Condition) { told = append(told, to.State) },
		})
		if now := w.Now(); now.State != Up || now.Err != nil {
			t.Errorf("at first it is %+v", now)
		}
		<-time.After(time.Minute)
		gone.Store(true)
		went := time.Now()
		for w.Now().State != Down {
			<-time.After(10 * time.Millisecond)
		}
		if took := time.Since(went); took > 2*time.Second {
			t.Errorf("it took %v to be known", took)
		}
		if !errors.Is(w.Now().Err, errAway) {
			t.Errorf("it is down for %v", w.Now().Err)
		}
		gone.Store(false)
		back := time.Now()
		for w.Now().State != Up {
			<-time.After(10 * time.Millisecond)
		}
		if took := time.Since(back); took < 2*time.Second || took > 4*time.Second {
			t.Errorf("it was up again after %v", took)
		}
		_ = w.Close()
		if since.Before(back) {
			t.Errorf("what had caught up before it came back counts")
		}
		if want := []State{Suspect, Down, Recovering, Up}; len(told) != len(want) {
			t.Errorf("told of %v, want %v", told, want)
		}
	})
}

// TestWatchOfWhatNeverAnswers bounds a ping, and is down at the first look.
func TestWatchOfWhatNeverAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := Watch(Options{Ping: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
		if now := w.Now(); now.State != Down || time.Since(began) > time.Second {
			t.Errorf("after %v it is %+v", time.Since(began), now)
		}
		_ = w.Close()
	})
}
