package httpapi

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	jsonx "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"larder/api"
	"larder/internal/store"
	"larder/internal/value"
)

// answerOptions are how every answer is written: times in one form, values as
// they are, and what the generated types say to leave out left out as
// encoding/json does, for which they are made.
var answerOptions = jsonx.JoinOptions(
	jsonv1.OmitEmptyWithLegacySemantics(true),
	jsonx.WithMarshalers(jsonx.MarshalToFunc(func(enc *jsontext.Encoder, t time.Time) error {
		return enc.WriteValue(value.AppendTime(nil, t))
	})),
)

// encode writes a form of the contract as JSON. That one can't be encoded
// would be a bug.
func encode(form any) []byte {
	data, err := jsonx.Marshal(form, answerOptions)
	if err != nil {
		panic(err)
	}
	return data
}

// writeJSON answers with a form of the contract.
func writeJSON(w http.ResponseWriter, mediaType string, status int, form any) {
	writeForm(w, mediaType, status, encode(form))
}

// writeEntry answers with an entry.
func writeEntry(w http.ResponseWriter, status int, e store.Entry) {
	size := 256 + len(e.Key) + len(e.Value.Data)
	writeForm(w, jsonType, status, appendEntry(make([]byte, 0, size), e))
}

// writeForm answers with an envelope, and ends its line, for the sake of the
// shell that comes after curl.
func writeForm(w http.ResponseWriter, mediaType string, status int, data []byte) {
	data = append(data, '\n')
	h := w.Header()
	h["Content-Type"] = []string{mediaType}
	h["Content-Length"] = []string{strconv.Itoa(len(data))}
	w.WriteHeader(status)
	_, _ = w.Write(data) // the client is gone; there is nobody to tell
}

// newEntry is an entry in the contract's form. One without a value is written
// without.
func newEntry(e store.Entry) *api.Entry {
	form := &api.Entry{
		Table: e.Table, Key: e.Key, Version: e.Version, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
		Metadata: e.Metadata, Encoding: api.EncodingJSON, Value: jsonForm(e.Value),
	}
	if e.Value.Encoding == value.Bytes {
		form.Encoding = api.EncodingBase64
	}
	if form.Metadata == nil {
		form.Metadata = api.Metadata{}
	}
	form.ExpiresAt = optionalTime(e.ExpiresAt)
	return form
}

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// jsonForm is how a value rides in an envelope: as itself, or, being bytes, as
// a base64 string.
func jsonForm(v value.Value) json.RawMessage {
	if v.Data == nil {
		return nil
	}
	if v.Encoding == value.JSON {
		return json.RawMessage(v.Data)
	}
	text := make([]byte, 0, base64.StdEncoding.EncodedLen(len(v.Data))+2)
	text = append(text, '"')
	text = base64.StdEncoding.AppendEncode(text, v.Data)
	return append(text, '"')
}

// described is what is known of an entry besides its value, as headers have it.
type described struct {
	times    [5]string // Etag, Larder-Version, Larder-Created-At, Larder-Updated-At, Last-Modified
	expires  []string
	metadata []string
}

// describe puts into headers what is known of an entry besides its value.
func describe(h http.Header, e store.Entry) error {
	d, err := describedAs(e)
	if err == nil {
		d.put(h)
	}
	return err
}

// describeCopy does so for an entry that has answered before, perhaps.
func describeCopy(h http.Header, e store.Entry, shown *store.Shown) error {
	if shown == nil {
		return describe(h, e)
	}
	d, ok := shown.Load().(*described)
	if !ok {
		var err error
		if d, err = describedAs(e); err != nil {
			return err
		}
		shown.Store(d)
	}
	d.put(h)
	return nil
}

func describedAs(e store.Entry) (*described, error) {
	// One piece of memory for all texts: most are no longer than that.
	buf := make([]byte, 0, 128)
	buf = appendEntityTag(buf, e.Version)
	tag := len(buf)
	buf = value.AppendTime(buf, e.CreatedAt)
	created := len(buf)
	buf = value.AppendTime(buf, e.UpdatedAt)
	updated := len(buf)
	buf = appendDate(buf, e.UpdatedAt)
	text := string(buf)
	d := &described{times: [5]string{text[:tag], text[1 : tag-1], text[tag+1 : created-1], text[created+1 : updated-1], text[updated:]}}
	if !e.ExpiresAt.IsZero() {
		d.expires = []string{value.FormatTime(e.ExpiresAt)}
	}
	if len(e.Metadata) > 0 {
		text, err := formatMetadata(e.Metadata)
		if err != nil {
			return nil, &store.Error{Code: store.Internal, Ref: e.Ref, Err: err}
		}
		d.metadata = []string{text}
	}
	return d, nil
}

func (d *described) put(h http.Header) {
	v := d.times[:]
	h["Etag"] = v[0:1:1]
	h["Larder-Version"] = v[1:2:2]
	h["Larder-Created-At"] = v[2:3:3]
	h["Larder-Updated-At"] = v[3:4:4]
	h["Last-Modified"] = v[4:5:5]
	if d.expires != nil {
		h["Larder-Expires-At"] = d.expires
	}
	if d.metadata != nil {
		h[metadataHeader] = d.metadata
	}
}

// setVersion gives the version as the entity tag and as a number.
func setVersion(h http.Header, version int64) {
	tag := string(appendEntityTag(make([]byte, 0, 24), version))
	h["Etag"] = []string{tag}
	h["Larder-Version"] = []string{tag[1 : len(tag)-1]}
}

// writeResult answers a write: the entry without its value, or as the client
// prefers it.
func (a *API) writeResult(w http.ResponseWriter, r *http.Request, result store.Result) {
	h := w.Header()
	if err := describe(h, result.Entry); err != nil {
		a.fail(w, r, nil, err)
		return
	}
	prefer := preferences(r.Header)
	prefer.wait = 0
	prefer.applied(h)
	status := http.StatusOK
	if result.Created {
		status = http.StatusCreated
		h["Location"] = []string{keyPath(result.Entry.Ref)}
	}
	switch {
	case prefer.minimal:
		w.WriteHeader(http.StatusNoContent)
	case prefer.representation:
		writeEntry(w, status, result.Entry)
	default:
		writeEntry(w, status, result.Entry.WithoutValue())
	}
}

// tellReplication says whether all stores that take over what was written have it.
func tellReplication(h http.Header, results ...store.Result) {
	told := ""
	for i := range results {
		switch results[i].Replication {
		case store.ReplicationPending:
			told = "pending"
		case store.ReplicationComplete:
			told = cmp.Or(told, "complete")
		}
	}
	if told != "" {
		h["Larder-Replication"] = []string{told}
	}
}

// keyPath is where an entry is, as a path.
func keyPath(ref store.Ref) string {
	return "/tables/" + url.PathEscape(ref.Table) + "/keys/" + url.PathEscape(ref.Key)
}
