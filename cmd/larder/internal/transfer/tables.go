package transfer

import (
	"context"
	"fmt"
	"strings"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

// eachTable calls do for every table, by name.
func eachTable(ctx context.Context, client *api.Client, do func(api.Table)) error {
	var cursor string
	for {
		var page api.TablePage
		if err := remote.Read(client.ListTables(ctx, &api.ListTablesParams{Cursor: remote.Optional(cursor)}))(&page); err != nil {
			return err
		}
		if len(page.Incomplete) > 0 {
			return fmt.Errorf("larder can't reach %s, and so not tell all tables", strings.Join(page.Incomplete, ", "))
		}
		for _, t := range page.Items {
			do(t)
		}
		if page.NextCursor == "" {
			return nil
		}
		cursor = page.NextCursor
	}
}

func tableNames(ctx context.Context, client *api.Client) ([]string, error) {
	var names []string
	err := eachTable(ctx, client, func(t api.Table) { names = append(names, t.Name) })
	return names, err
}
