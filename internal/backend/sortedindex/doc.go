// Package sortedindex has what secondary indexes are in any sorted set of byte
// strings: what an entry's key in one looks like, and which ranges of it answer
// a query. Where the strings are kept is the store's affair.
//
// An entry's key in an index is its fields, each in the form that sorts by
// bytes (value.AppendOrdered), then its own key. No field's form begins
// another's, so what agrees in the first fields stands together, in the order
// of the rest. Where the fields end can't be seen in that: a store keeps their
// length beside it, or in it, as Join does.
//
// A field whose form is long is cut: its first bytes stay, and a hash of the
// whole follows. What is equal still is and what differs still does, so unique
// indexes and equality are exact. The order among those that agree in the bytes
// that stay is not, and the form of one may then begin that of another. An index
// that has held such a field is long, for good.
//
//	a := sortedindex.Plan(candidates, &q)
//	if a.Index == nil {
//		// look at the whole table, in the order of keys
//	}
//	for _, span := range a.Spans {
//		// hold what stands within it against the filter
//	}
package sortedindex
