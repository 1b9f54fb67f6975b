package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"larder/internal/store"
)

// late is a store that answers pings only from a time on.
type late struct {
	store.Store
	from time.Time
	err  error // before that
}

func (l late) Ping(context.Context) error {
	if time.Now().Before(l.from) {
		return l.err
	}
	return nil
}

func TestAnswersAreWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		gone := &store.Error{Code: store.Unavailable}
		if err := answers(t.Context(), late{}, late{from: began.Add(time.Second), err: gone}); err != nil || time.Since(began) < time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		began = time.Now()
		if err := answers(t.Context(), late{from: began.Add(time.Hour), err: gone}); !errors.Is(err, gone) || time.Since(began) > answerWithin+answerEvery {
			t.Errorf("of one that is gone after %v: %v", time.Since(began), err)
		}
		began = time.Now()
		fenced := &store.Error{Code: store.BackendFenced}
		if err := answers(t.Context(), late{from: began.Add(time.Hour), err: fenced}); !errors.Is(err, fenced) || time.Since(began) > 0 {
			t.Errorf("of one that refuses after %v: %v", time.Since(began), err)
		}
		ended, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		if err := answers(ended, late{from: began.Add(time.Hour), err: gone}); !errors.Is(err, gone) || time.Since(began) > time.Second {
			t.Errorf("to one who no longer waits, after %v: %v", time.Since(began), err)
		}
	})
}
