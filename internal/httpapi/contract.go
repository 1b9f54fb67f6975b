package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"larder"
	"larder/api"
	"larder/web"
)

// contract is the contract in the forms it is served in, and the pages that
// show it.
type contract struct {
	spec  *outline
	yaml  document
	json  document
	pages map[string]document // by file name
}

// document is something that does not change while the process lives.
type document struct {
	mediaType string
	content   []byte
	tag       string
}

func newDocument(mediaType string, content []byte) document {
	sum := sha256.Sum256(content)
	return document{mediaType: mediaType, content: content, tag: `"` + hex.EncodeToString(sum[:12]) + `"`}
}

func loadContract() (contract, error) {
	spec, err := readOutline()
	if err != nil {
		return contract{}, err
	}
	text, err := api.GetSpecJSON()
	if err != nil {
		return contract{}, fmt.Errorf("read the embedded contract: %w", err)
	}
	c := contract{
		spec: spec, yaml: newDocument("application/yaml", larder.OpenAPI()), json: newDocument(jsonType, text),
		pages: make(map[string]document),
	}
	docs := web.Docs()
	files, err := fs.ReadDir(docs, ".")
	if err != nil {
		return contract{}, fmt.Errorf("list the embedded pages: %w", err)
	}
	for _, file := range files {
		content, err := fs.ReadFile(docs, file.Name())
		if err != nil {
			return contract{}, fmt.Errorf("read an embedded page: %w", err)
		}
		c.pages[file.Name()] = newDocument(pageTypes[path.Ext(file.Name())], content)
	}
	return c, nil
}

// pageTypes are the types of the pages' files: the machine's own table may
// know others, or none.
var pageTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
}

func (d document) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Etag", d.tag)
	h.Set("Cache-Control", "no-cache") // asked about each time, sent once
	h.Set("X-Content-Type-Options", "nosniff")
	if strings.Contains(r.Header.Get("If-None-Match"), d.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", d.mediaType)
	h.Set("Content-Length", strconv.Itoa(len(d.content)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(d.content) // the client is gone; there is nobody to tell
}

// GetOpenapiYaml answers the contract as it is written.
func (a *API) GetOpenapiYaml(w http.ResponseWriter, r *http.Request) { a.contract.yaml.serve(w, r) }

// GetOpenapiJSON answers the contract as machines like it.
func (a *API) GetOpenapiJSON(w http.ResponseWriter, r *http.Request) { a.contract.json.serve(w, r) }

// GetDocs answers the page that shows the contract.
func (a *API) GetDocs(w http.ResponseWriter, r *http.Request) { a.servePage(w, r, "index.html") }

// mountDocs routes what the page is made of.
func (a *API) mountDocs(r chi.Router) {
	r.Get("/docs/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "../docs") // relative, so that it holds under any path
		w.WriteHeader(http.StatusPermanentRedirect)
	})
	r.Get("/docs/{file}", func(w http.ResponseWriter, r *http.Request) {
		a.servePage(w, r, chi.URLParam(r, "file"))
	})
}

func (a *API) servePage(w http.ResponseWriter, r *http.Request, name string) {
	page, ok := a.contract.pages[name]
	if !ok {
		a.noRoute(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", web.DocsCSP)
	h.Set("Referrer-Policy", "no-referrer")
	page.serve(w, r)
}
