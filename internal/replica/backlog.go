package replica

import (
	"context"
	"errors"

	"larder/internal/store"
)

// countedPage is how many changes are looked at in one read, without their values.
const countedPage = 1000

// Backlog is what a target has still to get.
type Backlog struct {
	Entries int64 // changed keys that are followed, deletions too
	More    bool  // there are more changes than were looked at
}

// Backlog counts what lies between where the target stands and the end of the source's
// feed, in the first changes of it, as many as most. What has reached the target past the
// feed counts until the Follower has come by it, which is within Options.Every, or within
// about Options.Leave where another process does it, while the target can be written. known
// is false before it has been seen where the target stands. An error is the source's.
func (f *Follower) Backlog(ctx context.Context, most int) (b Backlog, known bool, err error) {
	at := f.at.Load()
	if at == nil {
		return Backlog{}, false, nil
	}
	c := store.Changes{Since: at.cursor, KeysOnly: true}
	for left := most; left > 0; {
		c.Limit = min(left, countedPage)
		feed, err := f.o.From.Changes(ctx, c)
		if c.Since != "" && left == most && (errors.Is(err, store.Compacted) || errors.Is(err, store.InvalidCursor)) {
			c.Since = "" // which the Follower will do as well
			continue
		}
		if err != nil {
			return Backlog{}, false, err
		}
		for i := range feed.Changes {
			if f.follows(feed.Changes[i].Table) {
				b.Entries++
			}
		}
		left -= len(feed.Changes)
		c.Since, b.More = feed.Next, feed.More
		if !feed.More {
			break
		}
	}
	return b, true, nil
}
