package httpstore

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"larder/api"
	"larder/internal/store"
	"larder/internal/store/storetest"
)

// Options say where the server is. URL is required.
type Options struct {
	URL   string
	HTTP  *http.Client     // nil: http.DefaultClient
	Clock func() time.Time // the server's, for lives that are no whole seconds; nil: time.Now

	// Maintains says which maintenance the backend knows, which shows over HTTP
	// only when it is asked for; nil: none.
	Maintains func(store.Action) bool
	Close     func() error // called once by Store.Close, to close what serves; nil: nothing is
}

// Store speaks to a gateway as if it were a store.
type Store struct {
	client *api.ClientWithResponses
	info   store.Info
	clock  func() time.Time
	knows  func(store.Action) bool
	closed atomic.Bool
	close  func() error
}

var (
	_ store.Store      = (*Store)(nil)
	_ store.Searcher   = (*Store)(nil)
	_ store.Indexer    = (*Store)(nil)
	_ store.Maintainer = (*Store)(nil)
)

// Without is what the suite can't reach over HTTP.
func Without() []storetest.Topic {
	return []storetest.Topic{
		storetest.Install,        // there is no such route
		storetest.Horizons,       // a cursor is all that is told
		storetest.WholeFeed,      // a feed is a table's
		storetest.BareFeed,       // and as a client is shown it
		storetest.SystemTables,   // they are hidden
		storetest.DefaultTTL,     // that is a table's setting
		storetest.InvalidText,    // JSON can't carry it
		storetest.AbsentVersions, // a 404 has no version
		storetest.QueryPositions, // cursors are opaque
		storetest.QueryBudgets,   // that is the server's
		storetest.ChangedEnds,    // there is /expiry for that
		storetest.EmptyTables,    // they are gone for whoever lists tables
	}
}

// Open asks the server what it can do.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Close == nil {
		o.Close = func() error { return nil }
	}
	if o.Maintains == nil {
		o.Maintains = func(store.Action) bool { return false }
	}
	client, err := api.NewClientWithResponses(o.URL, api.WithHTTPClient(o.HTTP))
	if err != nil {
		return nil, err
	}
	s := &Store{client: client, clock: o.Clock, knows: o.Maintains, close: o.Close}
	resp, err := client.ListBackendsWithResponse(ctx)
	if err != nil {
		return nil, err
	}
	if resp.JSON200 == nil || len(resp.JSON200.Items) == 0 {
		return nil, errors.New("the server names no backend: " + resp.HTTPResponse.Status)
	}
	s.info = infoOf(resp.JSON200.Items[0])
	return s, nil
}

// infoOf keeps of a backend's capabilities those that a client can use.
func infoOf(b api.Backend) store.Info {
	info := store.Info{Name: b.Name, Engine: b.Engine, Limits: store.Limits{
		MaxValueBytes: b.Limits.MaxValueBytes, MaxDepth: b.Limits.MaxDepth, MaxOperations: b.Limits.MaxOperations,
		MaxPage: b.Limits.MaxPage, ScanBudget: b.Limits.ScanBudget,
	}}
	for _, name := range b.Capabilities {
		switch c := store.Capability(name); c {
		case store.CanSearch, store.CanIndex, store.CanMaintain:
			info.Capabilities = append(info.Capabilities, c)
		}
	}
	return info
}

// Info implements [store.Store].
func (s *Store) Info() store.Info { return s.info }

// Install implements [store.Store]: there is no route for it.
func (s *Store) Install(context.Context, []store.Entry) error {
	return s.unsupported("entries are not installed over HTTP")
}

// Tables implements [store.Store].
func (s *Store) Tables(ctx context.Context) ([]store.TableInfo, error) {
	var infos []store.TableInfo
	params := &api.ListTablesParams{}
	for {
		if err := s.enter(ctx); err != nil {
			return nil, err
		}
		resp, err := s.client.ListTablesWithResponse(ctx, params)
		if err != nil {
			return nil, s.broken(ctx, err, false)
		}
		if resp.JSON200 == nil {
			return nil, s.fail(resp.HTTPResponse, resp.Body, request{})
		}
		for _, t := range resp.JSON200.Items {
			infos = append(infos, store.TableInfo{Name: t.Name, Entries: t.Entries, Estimated: t.Estimated})
		}
		if resp.JSON200.NextCursor == "" {
			return infos, nil
		}
		params.Cursor = &resp.JSON200.NextCursor
	}
}

// Ping implements [store.Store].
func (s *Store) Ping(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	resp, err := s.client.GetReadyzWithResponse(ctx)
	if err != nil {
		return s.broken(ctx, err, false)
	}
	if resp.HTTPResponse.StatusCode != http.StatusOK || !bytes.Equal(resp.Body, []byte("ok\n")) {
		return s.fail(resp.HTTPResponse, resp.Body, request{})
	}
	return nil
}

// Close implements [store.Store].
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.close()
}

// enter refuses a call that can't be made any more.
func (s *Store) enter(ctx context.Context) error {
	if s.closed.Load() {
		return &store.Error{Code: store.Unavailable, Backend: s.info.Name, Detail: "the store is closed"}
	}
	if err := ctx.Err(); err != nil {
		return s.broken(ctx, err, false)
	}
	return nil
}

func (s *Store) unsupported(detail string) error {
	return &store.Error{Code: store.Unsupported, Backend: s.info.Name, Detail: detail}
}
