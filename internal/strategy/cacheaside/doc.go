// Package cacheaside is the strategy that keeps copies of a primary's entries, in this
// process and in a cache that many share, and serves one only while it can be shown to
// be fresh.
//
//	ledger := cacheaside.NewLedger(pg, cacheaside.LedgerOptions{})
//	defer ledger.Close()
//	s, err := cacheaside.New(cacheaside.Options{
//		Name: "cache-aside(pg,hot)", Ledger: ledger,
//		CacheName: "hot", Cache: hot,
//	})
//	defer s.Close()
//
// To delete from the cache after the commit is what everyone writes, and it is wrong: a
// crash, a partition or a fill that races leaves the old value there until its time is
// up. Here nothing has to be deleted, and a cache may lose what it likes or come back
// with what it held last week: it is never believed.
//
// # What is known
//
// A [Ledger] reads the primary's change feed again and again, without values. It notes
// the time before each read, by this process's monotonic clock, and from what it read
// the floors: the newest version of every key that has changed since a horizon H.
//
// # When a copy is served
//
// A copy has the horizon that it was read at and the epoch of its primary. It is served
// if all of this holds:
//
//   - the last read of the feed began at most δ ago;
//   - its version is not below its key's floor;
//   - its horizon is not before H;
//   - its version is not below what the client has asked for;
//   - its epoch is the primary's.
//
// Then nothing that was committed more than δ ago is missing in it: what was committed
// and not seen lies at its horizon or beyond, so at H or beyond, so in the floors, unless
// it was committed after the last read of the feed began. No wall clock is asked but to
// tell whether an entry's own life has ended, and for that it is the primary's, which the
// feed tells.
//
// Whatever this process itself has written or seen raises the floors at once. So in one
// process nobody reads back behind what he has written or read before.
//
// # Writes
//
// The primary decides. What it has written is put in the memory and, before the write is
// acknowledged but for no longer than a moment, in the cache. If that fails the write has
// succeeded all the same, and the feed does the rest.
package cacheaside
