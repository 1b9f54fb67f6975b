package httpapi

import (
	"encoding/json"
	"net/http"

	"larder/api"
	"larder/internal/store"
	"larder/internal/value"
)

// IncrementKey adds to a number.
func (a *API) IncrementKey(w http.ResponseWriter, r *http.Request, table, key string, _ api.IncrementKeyParams) {
	op := store.Op{Kind: store.Increment, Ref: store.Ref{Table: table, Key: key}}
	if err := a.fillIncrement(w, r, &op); err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	a.write(w, r, bodyPlaces, op, func(w http.ResponseWriter, _ *http.Request, result store.Result) {
		setVersion(w.Header(), result.Entry.Version)
		writeJSON(w, jsonType, http.StatusOK, api.IncrementResult{
			Value: numberAt(result.Entry, op.Increment.Path), Version: result.Entry.Version,
		})
	})
}

func (a *API) fillIncrement(w http.ResponseWriter, r *http.Request, op *store.Op) error {
	if err := userRef(op.Ref); err != nil {
		return err
	}
	var err error
	if op.If, err = precondition(r.Header); err != nil {
		return err
	}
	var form api.IncrementRequest
	if err := a.decode(w, r, &form); err != nil {
		return err
	}
	op.Increment, err = step(form.Delta, form.Initial, form.Min, form.Max, form.Path)
	return err
}

// step reads what an increment takes; the numbers are canonical, being parts
// of a decoded body.
func step(delta, initial, lowest, highest json.RawMessage, path string) (store.Step, error) {
	pointer, err := value.ParsePointer(path)
	if err != nil {
		return store.Step{}, &store.Error{Code: store.InvalidOperation, Field: "path", Detail: `a path is a JSON pointer, such as /hits; "" is the whole value`, Err: err}
	}
	return store.Step{Delta: delta, Path: pointer, Initial: initial, Min: lowest, Max: highest}, nil
}

// numberAt is the number that an increment has left.
func numberAt(e store.Entry, path value.Pointer) json.RawMessage {
	number, _ := path.Lookup(e.Value.Data)
	return number
}
