package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"larder/api"
	"larder/internal/operation"
	"larder/internal/replica"
	"larder/internal/router"
	"larder/internal/store"
)

// How long a move waits for the other instances.
const (
	announcedFor = time.Minute     // to learn of it; nobody waits for the move meanwhile
	heldFor      = 4 * time.Second // to hold writes, and for the copy to have the last ones; less than writes wait
)

// move is a copy after which the tables have another primary.
type move struct {
	copying
	task     *operation.Task
	asked    api.CopyRequest
	transfer router.Transfer
	version  int64 // of the routes that the last step has put
	result   copyResult
}

// move copies tables and has them be used where they were copied to. No write is under way
// to them from when the last one is copied until every instance goes by the new routes, so
// that none is lost and none that was acknowledged can be missed by a read. Each step is
// taken only if the routes are still as the one before has left them.
func (c copying) move(ctx context.Context, t *operation.Task, asked api.CopyRequest) (any, error) {
	m := &move{copying: c, task: t, asked: asked, transfer: router.Transfer{
		Operation: t.ID(), Tables: asked.Tables, From: asked.From, To: asked.To,
	}}
	if _, err := t.Saved(&m.result); err != nil {
		return nil, err
	}
	was, _ := c.book.Transfer()
	if routes, _ := c.book.Routes(); was == nil || was.Operation != t.ID() || was.Stage != router.Switched {
		if err := c.check(asked, routes); err != nil {
			return nil, err
		}
	}
	var err error
	if m.transfer.Stage, m.version, err = c.book.Begin(ctx, m.transfer); err != nil {
		return nil, err
	}
	if m.transfer.Stage != router.Switched {
		if err := m.bring(ctx); err != nil {
			return m.result, err
		}
	}
	return m.result, m.finish(ctx)
}

// bring copies the tables, and has their primary be another one. Writes to them are held
// afterwards.
func (m *move) bring(ctx context.Context) (err error) {
	defer func() {
		if err != nil && ctx.Err() == nil {
			m.withdraw(ctx)
		}
	}()
	m.result = copyResult{} // that of a part that was broken off
	routes, _ := m.book.Routes()
	made, err := replica.NewCopy(ctx, m.settings(m.task, m.asked, routes))
	if err != nil {
		return err
	}
	defer func() { _ = made.Close() }() // never fails
	if err := m.await(ctx, announcedFor); err != nil {
		return err
	}
	if err := m.alone(ctx); err != nil {
		return err
	}
	if err := m.advance(ctx, router.Held, nil); err != nil {
		return err
	}
	holding, cancel := context.WithTimeout(ctx, heldFor)
	defer cancel()
	if err := m.await(holding, heldFor); err != nil {
		return err
	}
	if err := made.CatchUp(holding); err != nil {
		return err
	}
	if err := made.Compare(holding); err != nil {
		return err
	}
	_ = made.Close() // never fails
	m.result = resultOf(made)
	m.result.Switched = true
	if err := m.task.Save(holding, m.result); err != nil {
		m.result.Switched = false
		return err
	}
	return m.advance(ctx, router.Switched, routes.Moved(m.asked.Tables, m.asked.From, m.asked.To))
}

// alone refuses to move tables to or from a file where there are other instances, which have
// another one of that name.
func (m *move) alone(ctx context.Context) error {
	for _, name := range []string{m.asked.From, m.asked.To} {
		if !m.members.of(name).own {
			continue
		}
		others, err := m.roster.Others(ctx)
		if err != nil {
			return err
		}
		if others > 0 {
			return &store.Error{Code: store.InvalidOperation, Detail: fmt.Sprintf("%s is a file of one larder, and there are %d others that would not have it", name, others)}
		}
	}
	return nil
}

func (m *move) advance(ctx context.Context, to router.Stage, routes router.Routes) error {
	next := m.transfer
	next.Stage = to
	version, err := m.book.Advance(ctx, next, m.version, routes)
	if err != nil {
		return err
	}
	m.transfer, m.version = next, version
	m.app.log.Info().Str("operation", m.task.ID()).Str("stage", string(to)).Msg("tables are being moved")
	return nil
}

// await waits until all instances go by what was put last.
func (m *move) await(ctx context.Context, most time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	names, err := m.roster.Await(waiting, m.version, func([]string) {
		m.task.Progress(operation.Progress{Phase: "waiting for the other instances"})
	})
	if err == nil || len(names) == 0 || errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	return &store.Error{
		Code:   store.Unavailable,
		Detail: fmt.Sprintf("the larders at %s did not say within %v that they go by the move; nothing was moved", strings.Join(names, ", "), most),
	}
}

// finish lets writes go on once all instances go by the new routes. One that does not say so
// is waited for until it is taken for gone, and has stopped trusting itself before.
func (m *move) finish(ctx context.Context) error {
	_, err := m.roster.Await(ctx, m.version, func(names []string) {
		m.task.Progress(operation.Progress{Phase: "waiting for " + strings.Join(names, ", ")})
	})
	if err == nil {
		err = m.book.End(ctx, m.transfer)
	}
	if err != nil {
		return err
	}
	return replica.ForgetCopy(ctx, m.members.of(m.asked.To).store, "copy "+m.task.ID())
}

// withdraw has everything go on as before. Where that fails tidy does it.
func (m *move) withdraw(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), heldFor)
	defer cancel()
	if err := m.book.End(ctx, m.transfer); err != nil {
		m.app.log.Warn().Err(err).Str("operation", m.task.ID()).Msg("a move has failed, and tables are still held for it")
	}
}

// tidyEvery lies between two looks at whether tables are held for nothing.
const tidyEvery = time.Second

// tidy ends transfers whose operation has ended without that, until it is told to stop.
func (c copying) tidy(runner *operation.Runner) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		look := time.NewTicker(tidyEvery)
		defer look.Stop()
		for {
			select {
			case <-look.C:
			case <-ctx.Done():
				return
			}
			if err := c.tidyOnce(ctx, runner); err != nil && ctx.Err() == nil {
				c.app.log.Warn().Err(err).Msg("tables are held for a move that is over")
			}
		}
	})
	return func() error {
		cancel()
		done.Wait()
		return nil
	}
}

func (c copying) tidyOnce(ctx context.Context, runner *operation.Runner) error {
	transfer, version := c.book.Transfer()
	if transfer == nil {
		return nil
	}
	op, err := runner.Get(ctx, transfer.Operation)
	switch {
	case errors.Is(err, store.NotFound):
	case err != nil:
		return err
	case op.State == operation.Running:
		return nil
	}
	if transfer.Stage == router.Switched {
		if _, err := c.roster.Await(ctx, version, func([]string) {}); err != nil {
			return err
		}
	}
	return c.book.End(ctx, *transfer)
}

// alone says whether nobody needs to hear of this instance: others can't have its system
// tables, or there is nowhere to move tables to.
func (s *status) alone() bool { return s.line.system().own || len(s.members.list()) < 2 }
