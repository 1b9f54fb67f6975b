package app

import (
	"context"
	"slices"
	"time"

	"larder/internal/operation"
	"larder/internal/store"
)

// replaying is the kind of operations that copy secondaries afresh.
const replaying = "replay"

// replayPause lies between two looks at how far that is.
const replayPause = 200 * time.Millisecond

// replayState is how far one has come.
type replayState struct {
	Rounds map[string]string `json:"rounds"` // that were begun, by the pair's key
}

// replayResult is what one came to.
type replayResult struct {
	Secondaries []replayedPair `json:"secondaries"`
}

type replayedPair struct {
	Strategy  string `json:"strategy"`
	Primary   string `json:"primary"`
	Secondary string `json:"secondary"`
	Installed int64  `json:"installed"` // entries, by whichever instance
}

// replay is one. Each secondary is sent to the beginning once, whoever carries it on.
func (r repairs) replay(ctx context.Context, t *operation.Task) (any, error) {
	var asked selection
	if err := t.Request(&asked); err != nil {
		return nil, err
	}
	state := replayState{Rounds: map[string]string{}}
	if _, err := t.Saved(&state); err != nil {
		return nil, err
	}
	pairs, err := asked.from(r.strategies.pairs())
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		if state.Rounds[p.key()] != "" {
			continue
		}
		if state.Rounds[p.key()], err = p.follower.Replay(ctx); err != nil {
			return nil, err
		}
		if err := t.Save(ctx, state); err != nil {
			return nil, err
		}
	}
	look := time.NewTicker(replayPause)
	defer look.Stop()
	for {
		result, done, err := r.replayed(ctx, t, asked, state)
		if err != nil || done {
			return result, err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return result, store.AsError(ctx.Err())
		}
	}
}

// replayed tells how far it is. A secondary that can't be asked is waited for: it gets
// everything once it is back.
func (r repairs) replayed(ctx context.Context, t *operation.Task, asked selection, state replayState) (result replayResult, done bool, err error) {
	pairs, err := asked.from(r.strategies.pairs())
	if err != nil {
		return result, false, err
	}
	pairs = slices.DeleteFunc(pairs, func(p pair) bool { return state.Rounds[p.key()] == "" })
	done = true
	progress := operation.Progress{}
	for _, p := range pairs {
		now, err := p.follower.Replayed(ctx)
		switch {
		case err != nil && store.CodeOf(err).Fault() != store.ServersFault:
			return result, false, err
		case err != nil:
			done, progress.Phase = false, "waiting for "+p.secondary.name
		case !now.Done:
			done, progress.Phase = false, "copying to "+p.secondary.name
		}
		progress.Done += now.Installed
		result.Secondaries = append(result.Secondaries, replayedPair{p.strategy, p.primary.name, p.secondary.name, now.Installed})
	}
	t.Progress(progress)
	return result, done, nil
}
