// Package testenv gives a test real servers of its own, built from source and
// gone when the test is.
//
//	larder := testenv.Build(t).Serve(t, testenv.Options{})
//	response, err := http.Get(larder.URL + "/health")
//
// A server listens on a free port of 127.0.0.1, works in a directory of its
// own, and dies with the test process, whatever that dies of.
package testenv
