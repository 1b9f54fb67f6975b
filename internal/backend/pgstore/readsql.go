package pgstore

import "strings"

// readStatements are the SQL texts of reading that are used again and again.
type readStatements struct {
	horizon, get, getOfTable, inspect        string
	feed, feedOfAll, feedKeys, feedOfAllKeys string
	poll, pollAll                            string
	tableNames, tableCount                   string
	identity, statistics                     string
	takeOver                                 []string
	dueTables, entomb, oldTombstones, forget string
}

func newReadStatements(q *statements) readStatements {
	names := strings.NewReplacer(
		"$entriesName", quoteLiteral(q.entries), "$entries", q.entries, "$tables", q.tables, "$meta", q.meta,
		"$columns", columns,
		"$now", "coalesce($3::timestamptz, statement_timestamp())",
		"$everyTable", strings.ReplaceAll(everyTableSQL, "$entries", q.entries),
	)
	return readStatements{
		horizon:       horizonSQL,
		get:           names.Replace(getSQL),
		getOfTable:    names.Replace(getOfTableSQL),
		feed:          names.Replace(feedSQL),
		feedOfAll:     names.Replace(feedOfAllSQL),
		feedKeys:      names.Replace(strings.ReplaceAll(feedSQL, "$columns", keyColumns)),
		feedOfAllKeys: names.Replace(strings.ReplaceAll(feedOfAllSQL, "$columns", keyColumns)),
		poll:          names.Replace(pollSQL),
		pollAll:       names.Replace(pollAllSQL),
		tableNames:    names.Replace(tableNamesSQL),
		tableCount:    names.Replace(tableCountSQL),
		identity:      names.Replace(identitySQL),
		statistics:    names.Replace(statisticsSQL),
		takeOver:      []string{names.Replace(takeOverEntriesSQL), names.Replace(takeOverTablesSQL), names.Replace(takeOverMetaSQL)},
		inspect:       names.Replace(inspectSQL),
		dueTables:     names.Replace(dueTablesSQL),
		entomb:        names.Replace(entombSQL),
		oldTombstones: names.Replace(oldTombstonesSQL),
		forget:        names.Replace(forgetSQL),
	}
}

// horizonSQL gives the oldest transaction that may still write. What the
// statement does not see lies there or beyond.
const horizonSQL = `select pg_snapshot_xmin(pg_current_snapshot())`

// quoteLiteral makes a text constant. Nothing a caller sends comes here.
func quoteLiteral(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
