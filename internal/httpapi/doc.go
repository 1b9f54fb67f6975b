// Package httpapi is larder's face: it turns HTTP requests into what the
// domain understands, and what comes of them into HTTP answers, as the
// contract in openapi.yaml has it. It knows nothing of backends.
//
//	h, err := httpapi.New(httpapi.Options{Store: s, Catalog: tables, Status: app})
//	srv := &http.Server{Handler: h}
//	// on the way down:
//	h.EndStreams()
//	srv.Shutdown(ctx)
//	h.Close()
//
// A handler has three steps: read the request into domain terms, call, write
// the answer. Handlers are grouped by resource, a file each; what they share
// lies in body.go, mediatype.go and parameter.go, conditional.go and prefer.go
// (headers), cursor.go, respond.go and problem.go (answers), streams.go and
// lines.go (what is answered piece by piece).
package httpapi
