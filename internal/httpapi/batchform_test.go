package httpapi

import (
	"encoding/json"
	"reflect"
	"testing"

	"larder/api"
	"larder/internal/store"
	"larder/internal/value"
)

func TestResultsByHandAreWhatTheFormSays(t *testing.T) {
	e := store.Entry{
		Ref: store.Ref{Table: "t", Key: `k"🙂`}, Version: 7, Value: value.MustParse(`{"a":[1,"ü",null]}`),
		Metadata: map[string]string{"a": "b"},
	}
	problem := newProblem(&store.Error{Code: store.NotFound, Detail: "there is \"none\""}, nil, nil)
	results := []batchResult{
		{form: api.BatchResult{Op: "get", Table: "t", Key: e.Key, Status: 200, Version: 7}, entry: &e},
		{form: api.BatchResult{Op: "delete", Table: "t", Key: e.Key, Status: 204}},
		{form: api.BatchResult{Op: "increment", Table: "t", Key: "n", Status: 201, Version: 1, Value: api.Number("1.50")}},
		{form: api.BatchResult{Op: "no such", Table: "\x00", Key: "", Status: 404, Error: &problem}},
	}
	form := api.BatchResponse{Results: []api.BatchResult{}}
	for _, r := range results {
		if r.entry != nil {
			r.form.Entry = newEntry(*r.entry)
		}
		form.Results = append(form.Results, r.form)
	}
	byHand, byForm := appendResults(nil, results), encode(form)
	var a, b any
	if err := json.Unmarshal(byHand, &a); err != nil {
		t.Fatalf("by hand it is no JSON: %v in %s", err, byHand)
	}
	if err := json.Unmarshal(byForm, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("by hand  %s\nby the form %s", byHand, byForm)
	}
	if got := string(appendResults(nil, nil)); got != string(encode(api.BatchResponse{Results: []api.BatchResult{}})) {
		t.Errorf("without results it is %s", got)
	}
}
