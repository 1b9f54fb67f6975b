// Package api is the HTTP contract as Go: the server's interface, the types
// that travel, and a client. All of it but this file is generated from
// openapi.yaml; overlay.yaml says how the contract's types become Go's.
//
//	client, err := api.NewClientWithResponses("http://127.0.0.1:8080")
//	if err != nil {
//		return err
//	}
//	put, err := client.PutKeyWithResponse(ctx, "users", "ada",
//		&api.PutKeyParams{IfNoneMatch: new("*")}, api.JSONValue(`{"name":"Ada"}`))
//	if err != nil {
//		return err
//	}
//	if put.JSON201 == nil {
//		return fmt.Errorf("not created: %s: %s", put.Status(), put.Body)
//	}
//	got, err := client.GetKeyWithResponse(ctx, "users", "ada", nil)
//
// Values are json.RawMessage and pass through unread. The methods that end in
// WithBody send any bytes as they are; those without WithResponse give the
// *http.Response, which streams (NDJSON, server-sent events) need.
package api

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config models.yaml ../openapi.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config server.yaml ../openapi.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config client.yaml ../openapi.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config spec.yaml ../openapi.yaml
