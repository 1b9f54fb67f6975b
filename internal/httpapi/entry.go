package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	jsonx "github.com/go-json-experiment/json"

	"larder/api"
	"larder/internal/store"
	"larder/internal/value"
)

// GetEntry answers an entry with its value and all that is known of it.
func (a *API) GetEntry(w http.ResponseWriter, r *http.Request, table, key string, params api.GetEntryParams) {
	if _, err := acceptable(r.Header, jsonType); err != nil {
		a.fail(w, r, nil, err)
		return
	}
	entry, done, err := a.read(r.Context(), w, r, store.Ref{Table: table, Key: key}, params.LarderMinVersion)
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	if !done {
		writeEntry(w, http.StatusOK, entry)
	}
}

// PutEntry stores a value that comes with everything else in one envelope.
func (a *API) PutEntry(w http.ResponseWriter, r *http.Request, table, key string, _ api.PutEntryParams) {
	op := store.Op{Kind: store.Put, Ref: store.Ref{Table: table, Key: key}}
	if err := a.fillEntry(w, r, &op); err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	a.write(w, r, bodyPlaces, op, a.writeResult)
}

func (a *API) fillEntry(w http.ResponseWriter, r *http.Request, op *store.Op) error {
	if err := userRef(op.Ref); err != nil {
		return err
	}
	var err error
	if op.If, err = precondition(r.Header); err != nil {
		return err
	}
	var form api.EntryWrite
	if err := a.decode(w, r, &form); err != nil {
		return err
	}
	if op.Expiry, err = expiry(form.TTLSeconds, form.ExpiresAt, form.KeepTTL); err != nil {
		return err
	}
	op.Metadata = form.Metadata
	op.Value, err = a.parseForm("/value", form.Value, form.Encoding)
	return err
}

// parseForm reads a value as it rides in an envelope; pointer is its place
// there.
func (a *API) parseForm(pointer string, raw json.RawMessage, encoding api.Encoding) (value.Value, error) {
	if len(raw) == 0 {
		return value.Value{}, invalidBody(pointer, "there has to be a value; null is one")
	}
	switch encoding {
	case "", api.EncodingJSON:
		v, err := value.Parse(raw, a.limits.Values())
		if err != nil {
			return value.Value{}, valueProblem(pointer, err)
		}
		return v, nil
	case api.EncodingBase64:
		return a.parseBase64(pointer, raw)
	}
	return value.Value{}, invalidBody(pointer[:len(pointer)-len("value")]+"encoding", `an encoding is "json" or "base64"`)
}

func (a *API) parseBase64(pointer string, raw json.RawMessage) (value.Value, error) {
	var text string
	if err := jsonx.Unmarshal(raw, &text); err != nil {
		return value.Value{}, invalidBody(pointer, "with encoding base64 the value is a string")
	}
	if base64.StdEncoding.DecodedLen(len(text)) > a.limits.MaxValueBytes+2 {
		return value.Value{}, inBody(pointer, &store.Error{Code: store.TooLarge, Detail: tooLargeDetail(int64(a.limits.MaxValueBytes))})
	}
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return value.Value{}, invalidBody(pointer, "the value is not valid base64 (RFC 4648, section 4, with padding)")
	}
	return value.OfBytes(data), nil
}
