package intercept

import (
	"context"
	"slices"

	"larder/internal/store"
)

// Wrap puts a chain of interceptors before a store, the first of them outermost. What it
// gives has the capabilities of s, and all of its methods go through the chain but Info,
// Close and Maintains, which do not fail. Without interceptors it is s.
func Wrap(s store.Store, chain ...Interceptor) store.Store {
	if len(chain) == 0 {
		return s
	}
	h := Handler(do)
	for _, i := range slices.Backward(chain) {
		h = i(h)
	}
	w := &wrapped{Store: s, handle: h}
	w.gets.method, w.applies.method = s.Get, s.Apply
	return w
}

// wrapped has the methods of every capability; store.As offers those that the store has.
type wrapped struct {
	store.Store
	handle Handler

	gets    attempts[[]store.Ref, store.Read]
	applies attempts[store.Batch, []store.Result]
}

var _ store.Store = (*wrapped)(nil)

func (w *wrapped) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	return w.gets.through(ctx, w.handle, getCall, refs)
}

func (w *wrapped) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	return w.applies.through(ctx, w.handle, applyCall, b)
}

func (w *wrapped) Scan(ctx context.Context, s store.Scan) (store.Page, error) {
	return through(ctx, w.handle, scanCall, w.Store.Scan, s)
}

func (w *wrapped) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	call := changesCall
	if c.Wait > 0 {
		call = waitCall
	}
	return through(ctx, w.handle, call, w.Store.Changes, c)
}

func (w *wrapped) Install(ctx context.Context, entries []store.Entry) error {
	return w.handle(ctx, installCall, unary(func(ctx context.Context) error { return w.Store.Install(ctx, entries) }))
}

func (w *wrapped) Tables(ctx context.Context) (tables []store.TableInfo, err error) {
	err = w.handle(ctx, tablesCall, unary(func(ctx context.Context) (err error) {
		tables, err = w.Store.Tables(ctx)
		return err
	}))
	return tables, err
}

func (w *wrapped) Ping(ctx context.Context) error {
	return w.handle(ctx, pingCall, unary(w.Store.Ping))
}
