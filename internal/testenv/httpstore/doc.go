// Package httpstore is a [store.Store] on the other side of HTTP: it says
// through the generated client what the domain says in Go. So the suite that
// every store passes is also run against the handlers, and whatever gets lost
// on the way there or back shows.
//
//	s, err := httpstore.Open(ctx, httpstore.Options{URL: server.URL, HTTP: &http.Client{
//		Transport: httpstore.Validating(t, http.DefaultTransport),
//	}})
//
// A single operation goes by a route of its own; where there are two, the raw
// value and the envelope, the key decides, so that both are used. Several go
// as an atomic batch. What HTTP does not tell, such as whether a deletion found
// anything, is read beforehand or afterwards, which is exact as long as nobody
// else writes that key.
//
// What can't be said over HTTP at all fails with Unsupported, or is left out
// of the answer; [Without] lists it for the suite.
package httpstore
