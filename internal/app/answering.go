package app

import (
	"context"
	"time"

	"larder/internal/store"
)

// How long an operation waits for backends that have just come back, and how often it asks
// them: a breaker lets calls through again a moment after the backend answers.
const (
	answerWithin = 15 * time.Second
	answerEvery  = 100 * time.Millisecond
)

// answers waits until all of some stores have answered a ping, for answerWithin at most.
// The error is the last that one gave.
func answers(ctx context.Context, all ...store.Store) error {
	until := time.Now().Add(answerWithin)
	again := time.NewTicker(answerEvery)
	defer again.Stop()
	for _, s := range all {
		for {
			err := s.Ping(ctx)
			if err == nil {
				break
			}
			if !canWait(err) || ctx.Err() != nil || time.Now().After(until) {
				return err
			}
			select {
			case <-again.C:
			case <-ctx.Done():
				return err
			}
		}
	}
	return nil
}
