package httpapi

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"larder/internal/store"
	"larder/web"
)

// codesOf lists the constants of type Code in a file of Go.
func codesOf(t *testing.T, path string) []store.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []store.Code
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if text, ok := spec.Values[0].(*ast.BasicLit); ok && text.Kind == token.STRING {
				codes = append(codes, store.Code(strings.Trim(text.Value, `"`)))
			}
		}
		return true
	})
	return codes
}

func TestEveryCodeHasAMeaning(t *testing.T) {
	codes := append(codesOf(t, "../store/code.go"), codesOf(t, "code.go")...)
	if len(codes) < 40 {
		t.Fatalf("only %d codes were found", len(codes))
	}
	for _, code := range codes {
		m, known := meanings[code]
		if !known {
			t.Errorf("%s has no meaning in HTTP", code)
			continue
		}
		if m.title == "" || m.status < 400 || m.status > 599 {
			t.Errorf("%s means %d %q", code, m.status, m.title)
		}
		if server := code.Fault() == store.ServersFault && code != store.Busy; server != (m.status >= 500) && m.status != http.StatusNotImplemented && m.status != http.StatusServiceUnavailable && code != store.NotCached {
			t.Errorf("%s is %d, and the fault is %d", code, m.status, code.Fault())
		}
	}
	if len(meanings) != len(codes) {
		t.Errorf("%d codes have a meaning, there are %d", len(meanings), len(codes))
	}
}

func TestEveryCodeIsExplained(t *testing.T) {
	page, err := fs.ReadFile(web.Docs(), "problems.html")
	if err != nil {
		t.Fatal(err)
	}
	for code := range meanings {
		if code == store.Canceled { // nobody is there to read it
			continue
		}
		if !strings.Contains(string(page), `id="`+string(code)+`"`) {
			t.Errorf("/docs/problems.html has no section %s", code)
		}
	}
}

func TestProblemsSayNothingInternal(t *testing.T) {
	const secret = "pq: relation \"x\" at 10.0.0.7:5432"
	for code := range meanings {
		e := &store.Error{Code: code, Backend: secret, Detail: "what to do", Err: errors.New(secret)}
		p := newProblem(e, bodyPlaces, nil)
		if text := string(encode(p)); strings.Contains(text, "10.0.0.7") || strings.Contains(text, "relation") {
			t.Errorf("%s says %s", code, text)
		}
		if p.Code != string(code) || p.Type != problemPage+string(code) || p.Title == "" {
			t.Errorf("%s is %+v", code, p)
		}
	}
	for _, err := range []error{errors.New(secret), &store.Error{Code: "made_up", Detail: secret}, &store.Error{Code: store.Internal, Detail: secret}} {
		p := newProblem(store.AsError(err), nil, nil)
		if p.Status != http.StatusInternalServerError || p.Code != "internal" || strings.Contains(p.Detail, "relation") {
			t.Errorf("%v is %+v", err, p)
		}
	}
}
