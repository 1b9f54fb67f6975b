package pgstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// countedExactly is how many entries of a table are counted one by one. Of more,
// the planner's estimate is given: the database keeps no count.
const countedExactly = 10_000

const tableNamesSQL = `
with recursive $everyTable
select n.name from names n where n.name is not null`

// tableCountSQL counts a table's entries as a reader sees them now, up to $2.
const tableCountSQL = `
select count(*) from (
	select from $entries e
	where e.table_name = $1 and not e.deleted and (e.expires_at is null or e.expires_at > $now)
	limit $2
) counted`

// Tables jumps from name to name in the primary key, and counts each table by
// itself: a table that is gone by then has no entries.
func (s *Store) Tables(ctx context.Context) ([]store.TableInfo, error) {
	var tables []store.TableInfo
	err := s.query(ctx, s.readSQL.tableNames, nil, func(rows pgx.Rows) error {
		tables = append(tables, store.TableInfo{Name: string(rows.RawValues()[0])})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range tables {
		if err := s.countTable(ctx, &tables[i]); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

func (s *Store) countTable(ctx context.Context, t *store.TableInfo) error {
	err := s.query(ctx, s.readSQL.tableCount, []any{t.Name, countedExactly + 1, s.now()}, func(rows pgx.Rows) error {
		t.Entries = int64Of(rows.RawValues()[0])
		return nil
	})
	if err != nil || t.Entries <= countedExactly {
		return err
	}
	t.Estimated = true
	estimate, err := s.estimate(ctx, t.Name)
	t.Entries = max(t.Entries, estimate)
	return err
}

// estimate asks the planner how many of the table's rows are no tombstones. Its
// statistics follow by and by, as autovacuum comes round.
func (s *Store) estimate(ctx context.Context, table string) (rows int64, err error) {
	// EXPLAIN takes no arguments that the planner would look at. The name is one
	// of the table's own; it is quoted all the same.
	sql := "explain (format json) select from " + s.sql.entries + " where table_name = " + quoteLiteral(table) + " and not deleted"
	err = s.query(ctx, sql, nil, func(r pgx.Rows) error {
		var plans []struct {
			Plan struct {
				Rows float64 `json:"Plan Rows"`
			}
		}
		if err := json.Unmarshal(r.RawValues()[0], &plans); err != nil || len(plans) == 0 {
			return fmt.Errorf("reading a plan: %w", err)
		}
		rows = int64(plans[0].Plan.Rows)
		return nil
	})
	return rows, err
}
