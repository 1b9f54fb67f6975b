// Package pgstore is a store.Store in a PostgreSQL database, 13 or newer, with
// every capability.
//
//	s, err := pgstore.Open(ctx, pgstore.Options{URL: "postgres://larder@db/larder"})
//	if err != nil {
//		return err // says what to do: no server, no rights, a newer schema, …
//	}
//	defer s.Close()
//
// # The tables
//
//	storage_entries  entries and tombstones, by (table_name, key) in byte order
//	storage_tables   what a table remembers of tombstones that are gone: the
//	                 version new keys start above, and how far back its feed reaches
//	storage_indexes  definitions of secondary indexes; each is an expression index
//	storage_meta     the database's id, in cursors of the feed
//
// All statements name their schema, and nothing depends on a setting of the
// session, so that PgBouncer may stand between, in transaction mode.
//
// # Writing
//
// A write is a transaction of two flights to the server and back. The first
// carries BEGIN and all that has to be known: the rows, locked, or for plain
// puts the upsert itself. The second carries what there is to write, and COMMIT.
// So the transaction's id is known before COMMIT is sent, and when its reply is
// lost the server can be asked what became of it (see outcome.go).
//
// Single writes that arrive together are one such transaction (see
// writelanes.go). Rows are locked in the order of their bytes, by everyone, so
// that writers wait for each other and never in a circle.
//
// # Queries and indexes
//
// Filters, sorts and positions become SQL that means exactly what store.Evaluate
// does (filter.go, sort.go, position.go). An index is a partial expression index
// of one table's entries (index.go), built while others read and write
// (indexbuild.go). PostgreSQL plans, though not without guidance, and what it did
// is read from its own counters (queryplan.go, querynotes.go).
//
// # The change feed
//
// Each row carries the id of the transaction that wrote it last. A reader takes
// what lies below the oldest transaction still running, in the order of those
// ids: whatever commits later lies at or above it, and is read then. A
// transaction that stays open holds the feed up; it never makes it skip.
package pgstore
