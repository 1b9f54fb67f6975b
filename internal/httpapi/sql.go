package httpapi

import (
	"encoding/json"
	"net/http"
	"time"

	"larder/api"
	"larder/internal/store"
)

// sqlAnswerForm is api.SQLAnswer with the rows as the store wrote them.
type sqlAnswerForm struct {
	Command   string            `json:"command"`
	Columns   []api.SQLColumn   `json:"columns"`
	Rows      []json.RawMessage `json:"rows"`
	RowCount  int64             `json:"row_count"`
	Truncated bool              `json:"truncated"`
}

// RunSQL runs a statement that the caller wrote.
func (a *API) RunSQL(w http.ResponseWriter, r *http.Request) {
	answer, err := a.runSQL(w, r)
	if err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	form := sqlAnswerForm{
		Command: answer.Command, RowCount: answer.Count, Truncated: answer.Truncated,
		Columns: make([]api.SQLColumn, len(answer.Columns)), Rows: make([]json.RawMessage, len(answer.Rows)),
	}
	for i, c := range answer.Columns {
		form.Columns[i] = api.SQLColumn{Name: c.Name, Type: c.Type}
	}
	for i, row := range answer.Rows {
		form.Rows[i] = row
	}
	writeJSON(w, jsonType, http.StatusOK, form)
}

func (a *API) runSQL(w http.ResponseWriter, r *http.Request) (store.SQLAnswer, error) {
	runner, ok := store.As[store.SQLRunner](a.store)
	if !ok {
		return store.SQLAnswer{}, a.unsupported(store.CanSQL)
	}
	var form api.SQLRequest
	if err := a.decode(w, r, &form); err != nil {
		return store.SQLAnswer{}, err
	}
	if form.SQL == "" {
		return store.SQLAnswer{}, invalidBody("/sql", "sql is a statement")
	}
	q := store.SQLQuery{
		Text: form.SQL, Params: make([][]byte, len(form.Params)),
		Writes: form.ReadOnly != nil && !*form.ReadOnly,
	}
	for i, param := range form.Params {
		q.Params[i] = param
	}
	if err := q.Validate(); err != nil {
		return store.SQLAnswer{}, err
	}
	began := time.Now()
	answer, err := runner.RunSQL(r.Context(), q)
	a.logSQL(w, q, answer, err, time.Since(began))
	return answer, err
}

// logSQL notes that a statement was run, whichever requests are logged. Its
// text and its parameters may hold secrets, and are left out.
func (a *API) logSQL(w http.ResponseWriter, q store.SQLQuery, answer store.SQLAnswer, err error, took time.Duration) {
	a.log.Info().
		Str("request_id", exchangeOf(w).id).Bool("read_only", !q.Writes).Int("params", len(q.Params)).
		Str("command", answer.Command).Int64("rows", answer.Count).Str("code", string(store.CodeOf(err))).
		Dur("took_ms", took).Msg("sql")
}
