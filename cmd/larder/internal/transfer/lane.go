package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

// How long an operation that may succeed later is tried again.
const (
	firstWait = 100 * time.Millisecond
	longWait  = 5 * time.Second
	patience  = time.Minute // without any success
)

// work does the batches of one lane, in their order.
func (m *importer) work(ctx context.Context, queue <-chan batch) {
	for b := range queue {
		if m.stopped(ctx) {
			continue // and so the batch stays open
		}
		first := b.items[0].line
		if rest, err := m.apply(ctx, b.items); err != nil {
			if len(rest) > 0 {
				m.progress.advance(first, rest[0].line)
			}
			m.end(err)
			continue
		}
		m.progress.done(first)
	}
}

// apply does the items. With an error it gives those not known to be done,
// the first of them first. A larder that never answered is not waited for.
func (m *importer) apply(ctx context.Context, items []item) (rest []item, err error) {
	wait, giveUp := firstWait, time.Now().Add(patience)
	for len(items) > 0 {
		var asked time.Duration
		results, err := m.post(ctx, items)
		if err != nil {
			if ctx.Err() != nil {
				return items, ctx.Err()
			}
			if isAboutContent(err) {
				return m.halve(ctx, items, err)
			}
			var again bool
			if asked, again = remote.Retry(err); !again || !m.answered.Load() || time.Now().After(giveUp) {
				return items, err
			}
		} else {
			left, err := m.judge(items, results)
			if err != nil {
				return left, err
			}
			if len(left) == 0 {
				return nil, nil
			}
			if len(left) < len(items) {
				wait, giveUp = firstWait, time.Now().Add(patience)
			} else if time.Now().After(giveUp) {
				return left, LineError{left[0].line, errors.New(remote.Line(*results[0].Error))}
			}
			items = left
		}
		pause := time.NewTimer(max(asked, wait/2+rand.N(wait/2)))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return items, ctx.Err()
		}
		wait = min(2*wait, longWait)
	}
	return nil, nil
}

// isAboutContent says whether a whole request was refused for what is in it.
func isAboutContent(err error) bool {
	p, ok := errors.AsType[*remote.Problem](err)
	return ok && (p.Status == http.StatusBadRequest || p.Status == http.StatusRequestEntityTooLarge || p.Status == http.StatusUnprocessableEntity)
}

// halve tries the halves of a batch that was refused as a whole, down to the
// line that is to blame.
func (m *importer) halve(ctx context.Context, items []item, cause error) (rest []item, err error) {
	if len(items) == 1 {
		if err := m.failed(LineError{items[0].line, cause}); err != nil {
			return items, err
		}
		return nil, nil
	}
	middle := len(items) / 2
	if rest, err := m.apply(ctx, items[:middle]); err != nil {
		return slices.Concat(rest, items[middle:]), err
	}
	return m.apply(ctx, items[middle:])
}

// judge goes through the results. It gives the items to be tried again; with
// an error, all from the failed one on.
func (m *importer) judge(items []item, results []api.BatchResult) (again []item, err error) {
	waiting := make(map[ref]bool)
	for i, it := range items {
		r := results[i]
		name := ref{it.op.Table, it.op.Key}
		switch {
		case waiting[name] || r.Error != nil && r.Error.Retryable:
			// What comes later for the same key has to come after it again.
			waiting[name] = true
			again = append(again, it)
		case r.Error == nil:
			m.progress.count(func(s *Imported) {
				if it.op.Op == api.BatchOpDelete {
					s.Deletions++
				} else {
					s.Entries++
				}
			})
		case it.op.ExpiresAt != nil && !it.op.ExpiresAt.After(time.Now()):
			m.progress.count(func(s *Imported) { s.Expired++ })
		default:
			if err := m.failed(LineError{it.line, errors.New(remote.Line(*r.Error))}); err != nil {
				return append(again, items[i:]...), err
			}
		}
	}
	return again, nil
}

// post sends one batch. Its operations stand each for itself.
func (m *importer) post(ctx context.Context, items []item) ([]api.BatchResult, error) {
	request := api.BatchRequest{Operations: make([]api.BatchOperation, len(items))}
	for i, it := range items {
		request.Operations[i] = it.op
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(request); err != nil {
		return nil, err
	}
	var answer api.BatchResponse
	err := remote.Read(m.Client.ApplyBatchWithBody(ctx, nil, "application/json", &body))(&answer)
	if _, silent := errors.AsType[*remote.Unreachable](err); !silent {
		m.answered.Store(true)
	}
	if err != nil {
		return nil, err
	}
	if len(answer.Results) != len(items) {
		return nil, fmt.Errorf("%d operations got %d results", len(items), len(answer.Results))
	}
	return answer.Results, nil
}
