package httpapi

import (
	"errors"

	jsonx "github.com/go-json-experiment/json"

	"larder/internal/store"
	"larder/internal/value"
)

// positionForm is how a query's position is kept in a cursor: canonical texts,
// "" for a missing field.
type positionForm struct {
	Sort []string `json:"s,omitempty"`
	Key  string   `json:"k"`
}

func formatPosition(p *store.Position) string {
	if p == nil {
		return ""
	}
	form := positionForm{Key: p.Key}
	for _, v := range p.Sort {
		form.Sort = append(form.Sort, string(v.Data))
	}
	text, err := jsonx.Marshal(form)
	if err != nil {
		panic(err) // strings can be encoded; these are valid UTF-8, being stored
	}
	return string(text)
}

// parsePosition reads what formatPosition wrote. A checksum has been over it, but it is a client's
// text all the same.
func parsePosition(text string) (*store.Position, error) {
	if text == "" {
		return nil, nil
	}
	var form positionForm
	err := jsonx.Unmarshal([]byte(text), &form)
	p := &store.Position{Key: form.Key}
	for _, text := range form.Sort {
		var v value.Value
		if text != "" && err == nil {
			v, err = value.Parse([]byte(text), value.Limits{})
		}
		p.Sort = append(p.Sort, v)
	}
	if err != nil {
		return nil, &store.Error{Code: store.InvalidCursor, Field: "cursor", Detail: "the cursor is not one that this list gave", Err: err}
	}
	return p, nil
}

// filterDetail is what a filter's error has to say to the client.
func filterDetail(err error) string {
	if f, ok := errors.AsType[*value.FilterError](err); ok {
		return f.Detail
	}
	return "a filter is path:op:value, such as /age:gte:18"
}
