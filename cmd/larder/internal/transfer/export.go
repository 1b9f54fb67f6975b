package transfer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

// Export writes entries as lines, read through the change feed.
//
// A table without a cursor is written whole: the entries that live when it is
// read. With one it is what changed after the cursor, deletions included.
type Export struct {
	Client   *api.Client
	Tables   []string          // none: all
	Since    map[string]string // cursors by table
	Progress func(lines int)   // called now and then with how many more are written; may be nil
}

// Exported is what came of an export. It is told after a failure too: the
// lines up to the cursors are written.
type Exported struct {
	Tables    int               `json:"tables"`
	Entries   int64             `json:"entries"`
	Deletions int64             `json:"deletions"`
	Cursors   map[string]string `json:"cursors"` // by table: what a later export goes on from
}

// How much one page holds: as many changes as make up about pageBytes.
const (
	pageBytes = 4 << 20
	firstPage = 100
	maxPage   = 1000
)

// Run writes the lines to w.
func (e Export) Run(ctx context.Context, w io.Writer) (Exported, error) {
	done := Exported{Cursors: maps.Clone(e.Since)}
	if done.Cursors == nil {
		done.Cursors = make(map[string]string)
	}
	tables := e.Tables
	if len(tables) == 0 {
		all, err := tableNames(ctx, e.Client)
		if err != nil {
			return done, err
		}
		// A table that was emptied since may no longer be listed; its
		// deletions count all the same.
		tables = slices.Compact(slices.Sorted(slices.Values(slices.AppendSeq(all, maps.Keys(e.Since)))))
	}
	for _, table := range tables {
		done.Tables++
		if err := e.table(ctx, w, table, &done); err != nil {
			return done, fmt.Errorf("table %s: %w", table, err)
		}
	}
	return done, nil
}

// ExpectedLines is about how many lines a whole export of the tables has, for
// showing progress; -1 where that is not known.
func (e Export) ExpectedLines(ctx context.Context) (int64, error) {
	if len(e.Since) > 0 {
		return -1, nil
	}
	var n int64
	err := eachTable(ctx, e.Client, func(t api.Table) {
		if len(e.Tables) == 0 || slices.Contains(e.Tables, t.Name) {
			n += t.Entries
		}
	})
	return n, err
}

// table writes one table, up to where it stood when its export began.
func (e Export) table(ctx context.Context, w io.Writer, table string, done *Exported) error {
	cursor := done.Cursors[table]
	feed := feed{changesOnly: cursor != "", written: newSeen()}
	limit := firstPage
	for {
		var page api.ChangePage
		response, err := e.Client.ListChanges(ctx, table, &api.ListChangesParams{Since: remote.Optional(cursor), Limit: &limit})
		if err := remote.Read(response, err)(&page); err != nil {
			return err
		}
		if feed.began.IsZero() {
			feed.began = serverTime(response)
		}
		entries, deletions, err := feed.take(page.Items)
		if err != nil {
			return err
		}
		size := feed.out.Len()
		if _, err := feed.out.WriteTo(w); err != nil {
			return fmt.Errorf("can't write: %w", err)
		}
		cursor = page.NextCursor
		done.Cursors[table] = cursor
		done.Entries += entries
		done.Deletions += deletions
		if e.Progress != nil {
			e.Progress(int(entries + deletions))
		}
		if feed.caughtUp(page.Items, limit) {
			return nil
		}
		limit = min(max(limit*pageBytes/max(size, 1), 1), 2*limit, maxPage)
	}
}

// feed turns the pages of a table's feed into lines.
type feed struct {
	changesOnly bool
	written     *seen     // keys, of an export of the whole table
	began       time.Time // by the server's clock
	out         bytes.Buffer
}

func (f *feed) take(changes []api.Change) (entries, deletions int64, err error) {
	for _, c := range changes {
		switch {
		case !c.Deleted:
			entries++
			f.written.add(c.Key)
		case f.changesOnly || f.written.has(c.Key):
			// In a whole export a deletion counts only for a key that was
			// written before it went.
			deletions++
		default:
			continue
		}
		if err := lineOf(c).appendTo(&f.out); err != nil {
			return entries, deletions, err
		}
	}
	return entries, deletions, nil
}

// caughtUp says whether what stood when the export began has been read. A
// table that is written to faster than it is read would else never end.
func (f *feed) caughtUp(changes []api.Change, limit int) bool {
	return len(changes) == 0 ||
		len(changes) < limit && changes[len(changes)-1].UpdatedAt.After(f.began)
}

func serverTime(response *http.Response) time.Time {
	if at, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		return at
	}
	return time.Now()
}
