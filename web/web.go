// Package web holds the pages that the gateway serves, built and embedded.
// `npm run build` makes dist/ from src/, Swagger UI and the contract.
//
//	index, err := fs.ReadFile(web.Docs(), "index.html")
package web

import (
	"embed"
	"io/fs"
)

//go:embed dist/docs
var dist embed.FS

// DocsCSP is the Content-Security-Policy for every file of Docs. Swagger UI
// draws its icons from data URLs and runs no inline script and no inline
// style. Requests tried from the page go to its own server only.
const DocsCSP = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Docs has the contract's reading page and what it needs, without directories.
//
// index.html is for the path /docs itself, without a slash at the end: it
// names its neighbours docs/swagger-ui.css and so on, and the contract
// openapi.yaml. So every other file of Docs belongs under /docs/, and /docs/
// itself leads to ../docs. All addresses are relative, so any path may come
// before. problems.html has a section for each problem code, under the code as
// fragment: /docs/problems.html#not_found.
func Docs() fs.FS {
	docs, err := fs.Sub(dist, "dist/docs")
	if err != nil { // the name is a valid one
		panic(err)
	}
	return docs
}
