package app

import (
	"context"
	"fmt"

	"larder/api"
	"larder/internal/httpapi"
	"larder/internal/operation"
	"larder/internal/replica"
	"larder/internal/router"
	"larder/internal/store"
)

// copyKind is the kind of operations that copy tables to another member.
const copyKind = "copy"

// copyResult is what one came to.
type copyResult struct {
	Compared    int64                  `json:"compared"` // keys
	Differences map[replica.Kind]int64 `json:"differences"`
	Repaired    int64                  `json:"repaired"`
	Switched    bool                   `json:"switched"` // the primary is another one
}

// copyRequests begins copies.
type copyRequests struct {
	copying
	runner *operation.Runner
}

var _ httpapi.Copying = copyRequests{}

// Copy implements [httpapi.Copying].
func (c copyRequests) Copy(ctx context.Context, asked api.CopyRequest) (api.Operation, error) {
	routes, _ := c.book.Routes()
	if err := c.check(asked, routes); err != nil {
		return api.Operation{}, err
	}
	if asked.Conflict == api.CopyConflictRefuse {
		if err := c.checkEmpty(ctx, asked, routes); err != nil {
			return api.Operation{}, err
		}
	}
	return operationForm(c.runner.Start(ctx, copyKind, asked))
}

// copying carries copies out.
type copying struct {
	app     *App
	members *registry
	book    *router.Book
	roster  *router.Roster
}

// check says what is wrong with what was asked for.
func (c copying) check(asked api.CopyRequest, routes router.Routes) error {
	wrong := func(field, detail string) error {
		return &store.Error{Code: store.InvalidOperation, Field: field, Detail: detail}
	}
	for _, b := range []struct{ field, name string }{{"from", asked.From}, {"to", asked.To}} {
		if c.members.of(b.name) == nil {
			return wrong(b.field, fmt.Sprintf("there is no backend %q; GET /backends lists them", b.name))
		}
	}
	if asked.From == asked.To {
		return wrong("to", "tables are copied to another backend than the one that they are in")
	}
	if err := router.ValidatePattern(asked.Tables); err != nil {
		return wrong("tables", err.Error())
	}
	if len(routes.Among(asked.Tables, asked.From)) > 0 {
		return nil
	}
	return wrong("tables", fmt.Sprintf("no table of %s has %s as its primary; GET /routes says which are where", asked.Tables, asked.From))
}

// tablesOf says which tables a copy takes in.
func tablesOf(asked api.CopyRequest, routes router.Routes) func(table string) bool {
	return func(table string) bool {
		return router.Matches(asked.Tables, table) && routes.Of(table).Primary() == asked.From
	}
}

// checkEmpty refuses to write over entries.
func (c copying) checkEmpty(ctx context.Context, asked api.CopyRequest, routes router.Routes) error {
	to := c.members.of(asked.To).store
	tables, err := to.Tables(ctx)
	if err != nil {
		return err
	}
	taken := tablesOf(asked, routes)
	for _, t := range tables {
		if store.IsSystem(t.Name) || !taken(t.Name) {
			continue
		}
		page, err := to.Scan(ctx, store.Scan{Table: t.Name, KeysOnly: true, Limit: 1})
		if err != nil {
			return err
		}
		if len(page.Entries) > 0 {
			return &store.Error{
				Code: store.TableNotEmpty, Field: "tables",
				Detail: fmt.Sprintf("%s has entries in %s already; conflict as newer copies it all the same, and keeps the newer version of each key", t.Name, asked.To),
			}
		}
	}
	return nil
}

// copy is one. It goes on where it was broken off.
func (c copying) copy(ctx context.Context, t *operation.Task) (any, error) {
	var asked api.CopyRequest
	if err := t.Request(&asked); err != nil {
		return nil, err
	}
	if asked.Switch {
		return c.move(ctx, t, asked)
	}
	routes, _ := c.book.Routes()
	if err := c.check(asked, routes); err != nil {
		return nil, err
	}
	made, err := replica.NewCopy(ctx, c.settings(t, asked, routes))
	if err != nil {
		return nil, err
	}
	err = made.CatchUp(ctx)
	_ = made.Close() // never fails
	if err == nil {
		err = made.Forget(ctx)
	}
	return resultOf(made), err
}

func (c copying) settings(t *operation.Task, asked api.CopyRequest, routes router.Routes) replica.Copying {
	newer := asked.Conflict == api.CopyConflictNewer
	return replica.Copying{
		From: c.members.of(asked.From).store, To: c.members.of(asked.To).store, Name: "copy " + t.ID(),
		Tables: tablesOf(asked, routes), Extras: newer, Ahead: newer && !asked.Switch,
		Progress: func(phase string, done, total int64) {
			t.Progress(operation.Progress{Phase: phase, Done: done, Total: total})
		},
		Logger: c.app.log.With().Str("operation", t.ID()).Logger(),
	}
}

func resultOf(made *replica.Copy) copyResult {
	report := made.Report()
	return copyResult{Compared: report.Compared, Differences: report.Counts, Repaired: report.Repaired}
}
