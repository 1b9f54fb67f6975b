package httpstore

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/dunglas/httpsfv"

	"larder/api"
	"larder/internal/store"
	"larder/internal/value"
)

// entryOf reads an envelope. Its value is taken byte for byte.
func entryOf(form api.Entry) (store.Entry, error) {
	v, err := valueOf(form.Value, form.Encoding)
	if err != nil {
		return store.Entry{}, err
	}
	return store.Entry{
		Ref: store.Ref{Table: form.Table, Key: form.Key}, Value: v, Version: form.Version,
		CreatedAt: form.CreatedAt.UTC(), UpdatedAt: form.UpdatedAt.UTC(), ExpiresAt: timeOf(form.ExpiresAt),
		Metadata: metadataOf(form.Metadata),
	}, nil
}

func entriesOf(forms []api.Entry) ([]store.Entry, error) {
	var entries []store.Entry
	for _, form := range forms {
		e, err := entryOf(form)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func valueOf(raw json.RawMessage, encoding api.Encoding) (value.Value, error) {
	if encoding != api.EncodingBase64 {
		return value.Value{Data: raw}, nil
	}
	if raw == nil {
		return value.Value{Encoding: value.Bytes}, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return value.Value{}, fmt.Errorf("bytes as %.40s: %w", raw, err)
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return value.Value{}, fmt.Errorf("bytes as %.40s: %w", raw, err)
	}
	return value.OfBytes(data), nil
}

// formOf is a value as it rides in an envelope.
func formOf(v value.Value) (json.RawMessage, api.Encoding) {
	if v.Encoding == value.Bytes {
		return json.RawMessage(`"` + base64.StdEncoding.EncodeToString(v.Data) + `"`), api.EncodingBase64
	}
	return json.RawMessage(v.Data), ""
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func metadataOf(form map[string]string) map[string]string {
	if len(form) == 0 {
		return nil
	}
	return form
}

// rawEntry reads an entry whose value is the body and whose rest is in headers.
func rawEntry(ref store.Ref, resp *http.Response, body []byte, h *api.GetKeyResponse200Headers) (store.Entry, error) {
	e := store.Entry{Ref: ref, Value: value.Value{Data: body}, ExpiresAt: timeOf(h.LarderExpiresAt)}
	if resp.Header.Get("Content-Type") == "application/octet-stream" {
		e.Value = value.OfBytes(body)
	}
	if h.LarderVersion == nil || h.LarderCreatedAt == nil || h.LarderUpdatedAt == nil {
		return e, fmt.Errorf("an entry without version and times: %v", resp.Header)
	}
	e.Version, e.CreatedAt, e.UpdatedAt = *h.LarderVersion, h.LarderCreatedAt.UTC(), h.LarderUpdatedAt.UTC()
	if tag := fmt.Sprintf(`"%d"`, e.Version); resp.Header.Get("ETag") != tag {
		return e, fmt.Errorf("version %d has the entity tag %s", e.Version, resp.Header.Get("ETag"))
	}
	if want := e.UpdatedAt.Format(http.TimeFormat); resp.Header.Get("Last-Modified") != want {
		return e, fmt.Errorf("updated at %v, Last-Modified is %s", e.UpdatedAt, resp.Header.Get("Last-Modified"))
	}
	var err error
	e.Metadata, err = parseMetadata(resp.Header["Larder-Metadata"])
	return e, err
}

func parseMetadata(lines []string) (map[string]string, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	dictionary, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil {
		return nil, fmt.Errorf("metadata %q: %w", lines, err)
	}
	pairs := make(map[string]string)
	for _, name := range dictionary.Names() {
		member, _ := dictionary.Get(name)
		item, _ := member.(httpsfv.Item)
		switch text := item.Value.(type) {
		case string:
			pairs[name] = text
		case httpsfv.DisplayString:
			pairs[name] = string(text)
		default:
			return nil, fmt.Errorf("metadata %q: %s is %T", lines, name, item.Value)
		}
	}
	return pairs, nil
}

// metadataHeader writes metadata as the header has it; ok is false where it
// can't carry them, for it is too long or there is a name that is none.
func metadataHeader(pairs map[string]string) (text string, ok bool) {
	dictionary := httpsfv.NewDictionary()
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		var item any = pairs[name]
		for _, c := range pairs[name] {
			if c < ' ' || c > '~' {
				item = httpsfv.DisplayString(pairs[name])
			}
		}
		dictionary.Add(name, httpsfv.NewItem(item))
	}
	text, err := httpsfv.Marshal(dictionary)
	return text, err == nil && len(text) < longest
}
