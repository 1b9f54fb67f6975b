package httpapi

import (
	"errors"
	"net/http"
	"strconv"

	"larder/api"
	"larder/internal/store"
)

// problemPage is where the docs explain the codes, one section each.
const problemPage = "/docs/problems.html#"

// retryAfter is what a client is asked to wait, in seconds, before it tries
// again.
const retryAfter = 1

// fail answers with the problem that err is. where says where the handler took
// the parts of its domain request from; nil where it had none.
func (a *API) fail(w http.ResponseWriter, r *http.Request, where places, err error) {
	x := exchangeOf(w)
	e := store.AsError(err)
	problem := newProblem(e, where, placeOf(err))
	problem.RequestID = x.id
	problem.Instance = r.URL.EscapedPath()
	if e.Current != nil && e.Current.Exists() && preferences(r.Header).representation {
		problem.Entry = newEntry(*e.Current)
		w.Header().Add("Preference-Applied", "return=representation")
	}
	x.code = e.Code
	if e.Code.Fault() == store.ServersFault {
		a.log.Error().Str("request_id", x.id).Str("code", string(e.Code)).AnErr("cause", loggable(e)).Msg("a request failed")
	}
	h := w.Header()
	for _, name := range []string{"Content-Length", "Etag", "Last-Modified", "Cache-Control"} {
		h.Del(name)
	}
	if problem.Status == http.StatusTooManyRequests || problem.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	if e.Code == slowRequest || e.Code == store.TooLarge {
		h.Set("Connection", "close") // what is left of the body is not worth reading
	}
	writeJSON(w, problemType, problem.Status, problem)
}

// loggable is an error's cause without the caller's data.
func loggable(e *store.Error) error {
	if e.Err != nil {
		return e.Err
	}
	return e.Code
}

func placeOf(err error) *place {
	if l, ok := errors.AsType[*located](err); ok {
		return &l.place
	}
	return nil
}

// newProblem says in HTTP what a domain error is. Nothing of its cause gets
// out.
func newProblem(e *store.Error, where places, at *place) api.Problem {
	m := meaningOf(e)
	p := api.Problem{
		Type: problemPage + string(e.Code), Title: m.title, Status: m.status, Detail: e.Detail,
		Code: string(e.Code), Retryable: retryable(e.Code),
	}
	if m.status == http.StatusInternalServerError {
		p.Code, p.Type = string(store.Internal), problemPage+string(store.Internal)
		p.Detail = "something is wrong with the server; its log has more under this request_id"
		return p
	}
	if e.Current != nil {
		p.CurrentVersion = e.Current.Version
	}
	if len(e.Failures) > 0 {
		p.Errors = failureErrors(e.Failures)
		return p
	}
	if at == nil && where != nil && e.Field != "" {
		found := where(e.Field, e.Pointer)
		at = &found
	}
	if at != nil && (at.pointer != nil || at.parameter != "" || at.header != "") {
		p.Errors = []api.ProblemError{at.problemError(e)}
	}
	return p
}

func (at place) problemError(e *store.Error) api.ProblemError {
	pe := api.ProblemError{Code: string(e.Code), Detail: e.Detail, Pointer: at.pointer, Header: at.header, Parameter: at.parameter}
	if e.Current != nil {
		pe.CurrentVersion = e.Current.Version
	}
	return pe
}

// failureErrors points at the operations of a batch that failed.
func failureErrors(failures []store.Failure) []api.ProblemError {
	errs := make([]api.ProblemError, len(failures))
	for i, failure := range failures {
		pointer := "/operations/" + strconv.Itoa(failure.Index)
		if at := operationPlaces(failure.Err.Field, failure.Err.Pointer); at.pointer != nil {
			pointer += *at.pointer
		}
		errs[i] = place{pointer: &pointer}.problemError(failure.Err)
	}
	return errs
}

// operationPlaces are those within one operation of a batch.
func operationPlaces(field, pointer string) place {
	if field == "precondition" || field == "" {
		return place{}
	}
	pointer = "/" + field + pointer
	return place{pointer: &pointer}
}
