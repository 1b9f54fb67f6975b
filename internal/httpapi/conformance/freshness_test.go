package conformance_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv/gateway"
)

// copied is a store with a copy that is 90 s old and empty but for what a test
// has put there.
type copied struct {
	*storetest.Model
	copy *storetest.Model
	down bool
}

var copySource = store.Source{Copy: "copy-1", Age: 89500 * time.Millisecond}

func (s *copied) from(ctx context.Context) (*storetest.Model, store.Source, error) {
	f := store.FreshnessOf(ctx)
	switch {
	case f.MaxAge >= copySource.Age, s.down && f.IfError >= copySource.Age:
		return s.copy, copySource, nil
	case s.down:
		return nil, store.Source{}, &store.Error{Code: store.Unavailable, Detail: "it is down"}
	}
	return s.Model, store.Source{}, nil
}

func (s *copied) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	m, source, err := s.from(ctx)
	if err != nil {
		return store.Read{}, err
	}
	read, err := m.Get(ctx, refs)
	read.Source = source
	return read, err
}

func (s *copied) Scan(ctx context.Context, scan store.Scan) (store.Page, error) {
	m, source, err := s.from(ctx)
	if err != nil {
		return store.Page{}, err
	}
	page, err := m.Scan(ctx, scan)
	page.Source = source
	return page, err
}

func (s *copied) Search(ctx context.Context, q store.Query) (store.Found, error) {
	m, source, err := s.from(ctx)
	if err != nil {
		return store.Found{}, err
	}
	found, err := m.Search(ctx, q)
	found.Source = source
	return found, err
}

func (s *copied) Count(ctx context.Context, q store.Query) (store.Counted, error) {
	m, source, err := s.from(ctx)
	if err != nil {
		return store.Counted{}, err
	}
	counted, err := m.Count(ctx, q)
	counted.Source = source
	return counted, err
}

// serveCopied serves a store that has k at version 2 while its copy has it at
// version 1.
func serveCopied(t *testing.T) (*client, *copied) {
	t.Helper()
	s := &copied{Model: storetest.NewModel(storetest.ModelOptions{}), copy: storetest.NewModel(storetest.ModelOptions{})}
	c := serveStore(t, s, gateway.Options{})
	c.put("k", `1`)
	read, err := s.Model.Get(t.Context(), []store.Ref{{Table: "t", Key: "k"}})
	if err = errors.Join(err, s.copy.Install(t.Context(), read.Entries)); err != nil {
		t.Fatal(err)
	}
	c.put("k", `2`)
	return c, s
}

// TestMaxAge holds that a read is answered from a copy where the client allows
// one so old, and that it is told.
func TestMaxAge(t *testing.T) {
	c, _ := serveCopied(t)
	for directives, answers := range map[string]struct{ body, by, age string }{
		"":                             {`2`, "", ""},
		"max-age=90":                   {`1`, "copy-1", "90"},
		`max-age="90"`:                 {`1`, "copy-1", "90"},
		"MAX-AGE=4000000000":           {`1`, "copy-1", "90"},
		"no-transform, max-age=90":     {`1`, "copy-1", "90"},
		"max-age=89":                   {`2`, "model", ""},
		"max-age=0":                    {`2`, "", ""},
		"max-age=90, no-cache":         {`2`, "", ""},
		"max-age=soon":                 {`2`, "", ""},
		"max-age=99999999999999999999": {`2`, "", ""},
		"max-age=-90":                  {`2`, "", ""},
		"max-age":                      {`2`, "", ""},
		"stale-if-error=90":            {`2`, "model", ""},
	} {
		header := "Cache-Control: " + directives
		a := c.do("GET", keyPath, "", header).holds(answers.body)
		told := func(what string, a *answer) {
			if by, age := a.header.Get("Larder-Served-By"), a.header.Get("Age"); by != answers.by || age != answers.age {
				t.Errorf("%s with %q is served by %q, %q s old", what, directives, by, age)
			}
		}
		told("GET", a)
		told("HEAD", c.do("HEAD", keyPath, "", header).is(http.StatusOK))
		told("an entry", c.do("GET", keyPath+"/entry", "", header).is(http.StatusOK))
		told("304", c.do("GET", keyPath, "", header, "If-None-Match: "+a.header.Get("ETag")).is(http.StatusNotModified))
		for what, list := range map[string]*answer{
			"a list":          c.do("GET", "/tables/t/keys", "", header),
			"a filtered list": c.do("GET", "/tables/t/keys?filter=:gt:0", "", header),
			"lines":           c.do("GET", "/tables/t/keys", "", header, "Accept: application/x-ndjson"),
			"a query":         c.do("POST", "/tables/t/query", `{}`, header, "Content-Type: application/json"),
		} {
			told(what, list.is(http.StatusOK))
			if !strings.Contains(list.body, `"value":`+answers.body) {
				t.Errorf("%s with %q is %s", what, directives, list.body)
			}
		}
		told("a count", c.do("POST", "/tables/t/count", `{}`, header, "Content-Type: application/json").is(http.StatusOK))
	}
}

// TestMinVersionOfCopies holds that a copy does not make a client see less than
// it has seen.
func TestMinVersionOfCopies(t *testing.T) {
	c, s := serveCopied(t)
	const header = "Cache-Control: max-age=90"
	c.do("GET", keyPath, "", header, "Larder-Min-Version: 1").holds(`1`).has("Larder-Served-By", "copy-1")
	c.do("GET", keyPath, "", header, "Larder-Min-Version: 2").holds(`2`).has("Larder-Served-By", "model").has("Age", "")
	c.do("GET", keyPath, "", header, "Larder-Min-Version: 3").fails(http.StatusPreconditionFailed, "version_mismatch")
	s.down = true
	c.do("GET", keyPath, "", header, "Larder-Min-Version: 2").fails(http.StatusServiceUnavailable, "unavailable")
}

// TestStaleIfError has the primary down.
func TestStaleIfError(t *testing.T) {
	c, s := serveCopied(t)
	s.down = true
	c.do("GET", keyPath, "").fails(http.StatusServiceUnavailable, "unavailable")
	c.do("GET", keyPath, "", "Cache-Control: stale-if-error=60").fails(http.StatusServiceUnavailable, "unavailable")
	const header = "Cache-Control: no-cache, stale-if-error=90"
	c.do("GET", keyPath, "", header).holds(`1`).has("Larder-Served-By", "copy-1").has("Age", "90")
	c.do("GET", "/tables/t/keys", "", header).is(http.StatusOK).has("Age", "90")
	c.do("POST", "/tables/t/count", `{}`, header, "Content-Type: application/json").is(http.StatusOK).has("Age", "90")
}
