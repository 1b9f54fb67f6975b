// Package catalog keeps what is known about tables beyond their entries: the
// default ttl, and whether writes have to carry a precondition.
//
// Settings are entries of the system table "_tables", written like any other
// entry, so every instance sees the same ones and there is no second storage.
// Each instance holds them in memory and follows that table's change feed:
// its own changes count at once, those of others as soon as the feed brings
// them.
//
//	tables, err := catalog.Open(ctx, s, catalog.Options{})
//	defer tables.Close()
//	err = tables.Prepare(ops) // gives ops their tables' default ttl, or refuses them
package catalog

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
)

// Table is the system table that the settings are in; its keys are the names
// of tables.
const Table = "_tables"

// Catalog holds the settings of all tables. Its methods may be called from
// many goroutines.
type Catalog struct {
	store    store.Store
	log      zerolog.Logger
	settings atomic.Pointer[map[string]versioned]
	update   sync.Mutex // held while settings is replaced
	stop     context.CancelFunc
	done     chan struct{}
}

// versioned is a table's settings at a version; a tombstone has none.
type versioned struct {
	Settings
	version int64
	exists  bool
}

// Options of a Catalog; the zero value works.
type Options struct {
	Logger zerolog.Logger
	Wait   time.Duration // of one long poll for changes; 30 s
	Pause  time.Duration // before the feed is asked again after it failed; 1 s
}

// Open reads the settings and begins to follow them. It fails where they
// can't be read, since a table's rules must not be forgotten silently.
func Open(ctx context.Context, s store.Store, o Options) (*Catalog, error) {
	if o.Wait == 0 {
		o.Wait = 30 * time.Second
	}
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	c := &Catalog{store: s, log: o.Logger, done: make(chan struct{})}
	c.settings.Store(&map[string]versioned{})
	next, err := c.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the tables' settings: %w", err)
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	go c.follow(following, next, o)
	return c, nil
}

// Close stops following and returns once that has ended.
func (c *Catalog) Close() error {
	c.stop()
	<-c.done
	return nil
}

// Of gives a table's settings, the zero value where it has none of its own.
func (c *Catalog) Of(table string) Settings {
	return (*c.settings.Load())[table].Settings
}

// Prepare completes the operations by their tables' settings, in place. It
// fails with PreconditionRequired, as Apply would with a failed operation,
// where a table asks for preconditions and a put, patch or delete has none.
func (c *Catalog) Prepare(ops []store.Op) error {
	known := *c.settings.Load()
	if len(known) == 0 {
		return nil
	}
	var failures []store.Failure
	for i := range ops {
		settings := known[ops[i].Ref.Table]
		if err := settings.prepare(&ops[i]); err != nil {
			failures = append(failures, store.Failure{Index: i, Err: err})
		}
	}
	return store.Batch{Ops: ops}.Failed(failures)
}

// load reads the settings from the beginning of their feed, in place of what
// was known, and says where the feed goes on.
func (c *Catalog) load(ctx context.Context) (store.Cursor, error) {
	known := map[string]versioned{}
	feed := store.Feed{More: true}
	for feed.More {
		var err error
		if feed, err = c.store.Changes(ctx, store.Changes{Table: Table, Since: feed.Next}); err != nil {
			return "", err
		}
		c.merge(known, feed.Changes)
	}
	c.update.Lock()
	defer c.update.Unlock()
	c.settings.Store(&known)
	return feed.Next, nil
}

// follow takes in what the feed brings until ctx ends.
func (c *Catalog) follow(ctx context.Context, since store.Cursor, o Options) {
	defer close(c.done)
	for {
		next, err := c.advance(ctx, since, o.Wait)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			since = next
			continue
		}
		c.log.Warn().Err(err).Msg("the tables' settings can't be followed; going on with the last ones known")
		select {
		case <-ctx.Done():
		case <-time.After(o.Pause):
		}
	}
}

// advance takes in one page of the feed, or all of it anew where the feed no
// longer knows the cursor, as after a restore.
func (c *Catalog) advance(ctx context.Context, since store.Cursor, wait time.Duration) (store.Cursor, error) {
	feed, err := c.store.Changes(ctx, store.Changes{Table: Table, Since: since, Wait: wait})
	if store.CodeOf(err) == store.Compacted {
		return c.load(ctx)
	}
	if err != nil {
		return "", err
	}
	c.take(feed.Changes)
	return feed.Next, nil
}

// take makes changes part of what is known.
func (c *Catalog) take(changes []store.Change) {
	if len(changes) == 0 {
		return
	}
	c.update.Lock()
	defer c.update.Unlock()
	known := maps.Clone(*c.settings.Load())
	c.merge(known, changes)
	c.settings.Store(&known)
}

// merge puts changes into known; a version seen already changes nothing.
func (c *Catalog) merge(known map[string]versioned, changes []store.Change) {
	for _, change := range changes {
		if known[change.Key].version >= change.Version {
			continue
		}
		settings, err := parseSettings(change.Entry)
		if err != nil {
			c.log.Error().Err(err).Msg("a table's settings can't be read; keeping the last ones known")
			continue
		}
		known[change.Key] = versioned{Settings: settings, version: change.Version, exists: change.Exists()}
	}
}
