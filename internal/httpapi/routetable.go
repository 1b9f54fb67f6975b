package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
)

// operation is what is known beforehand about one operation of the contract.
type operation struct {
	name        string // its operationId
	parameters  []queryParameter
	headers     []string // that are parameters, in their canonical form
	stream      bool     // can live longer than RequestTimeout; where it does not, the handler says so
	observation Observation
}

type queryParameter struct {
	name     string
	repeated bool
	time     bool
}

// routeTable finds the operation of a routed request without building any
// string.
type routeTable struct {
	byPattern map[string]map[string]*operation // pattern, method
	unknown   *operation
	getKey    *operation
}

// unroutedName stands for requests that matched no operation.
const unroutedName = "none"

func newRouteTable(spec *outline, observer Observer) routeTable {
	t := routeTable{
		byPattern: make(map[string]map[string]*operation),
		unknown:   &operation{name: unroutedName, observation: observer.Operation(unroutedName)},
	}
	for pattern, path := range spec.Paths {
		byMethod := make(map[string]*operation)
		for method, described := range path.operations() {
			op := &operation{
				name: described.OperationID, stream: described.streams(),
				observation: observer.Operation(described.OperationID),
			}
			for _, p := range slices.Concat(path.Parameters, described.Parameters) {
				switch p = spec.parameter(p); p.In {
				case "query":
					op.parameters = append(op.parameters, queryParameter{name: p.Name, repeated: spec.isArray(p), time: p.Schema.Format == "date-time"})
				case "header":
					op.headers = append(op.headers, http.CanonicalHeaderKey(p.Name))
				}
			}
			byMethod[method] = op
		}
		if byMethod[http.MethodHead] == nil {
			byMethod[http.MethodHead] = byMethod[http.MethodGet]
		}
		t.byPattern[pattern] = byMethod
	}
	t.getKey = t.byPattern["/tables/{table}/keys/{key}"][http.MethodGet]
	return t
}

func (t routeTable) of(route *chi.Context) *operation {
	if len(route.RoutePatterns) > 0 {
		method := route.RouteMethod
		if op := t.byPattern[route.RoutePatterns[len(route.RoutePatterns)-1]][method]; op != nil {
			return op
		}
	}
	return t.unknown
}

// enter stands before every handler: it refuses query parameters that the
// operation does not have, and gives the request its deadline.
func (a *API) enter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op := a.routes.of(chi.RouteContext(r.Context()))
		if r.URL.RawQuery != "" {
			if err := op.checkParameters(r); err != nil {
				a.fail(w, r, nil, err)
				return
			}
		}
		if !op.stream {
			limit(r.Context(), a.options.RequestTimeout)
		}
		next.ServeHTTP(w, r)
	})
}

func (op *operation) checkParameters(r *http.Request) error {
	values, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	for name, given := range values {
		i := slices.IndexFunc(op.parameters, func(p queryParameter) bool { return p.name == name })
		switch {
		case i < 0:
			return invalidParameter(name, "%s", op.knownParameters())
		case len(given) > 1 && !op.parameters[i].repeated:
			return invalidParameter(name, "%s is given once", name)
		case op.parameters[i].time && !isTime(given[0]):
			return invalidParameter(name, "%s can't be read: %s", name, parameterForm(name))
		}
	}
	return nil
}

// isTime holds a time to RFC 3339; generated code takes a date alone as well.
func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}

func (op *operation) knownParameters() string {
	if len(op.parameters) == 0 {
		return op.name + " takes no query parameters"
	}
	var names []string
	for _, p := range op.parameters {
		names = append(names, p.name)
	}
	return op.name + " takes " + strings.Join(names, ", ")
}

// badParameter answers what the generated code could not bind.
func (a *API) badParameter(w http.ResponseWriter, r *http.Request, err error) {
	a.fail(w, r, nil, parameterError(err))
}
