package httpapi

import (
	"net/http"
	"strconv"

	"larder/api"
	"larder/internal/store"
	"larder/internal/value"
)

// batchResult is what an operation came to: the contract's form, without an
// entry, and the entry where one is shown.
type batchResult struct {
	form  api.BatchResult
	entry *store.Entry
}

// writeResults answers with what a batch came to. Entries are written by hand,
// as everywhere (see appendEntry), and so is what goes round them.
func writeResults(w http.ResponseWriter, results []batchResult) {
	size := 64
	for i := range results {
		size += 128
		if e := results[i].entry; e != nil {
			size += 256 + 2*len(e.Key) + len(e.Value.Data)
		}
	}
	writeForm(w, jsonType, http.StatusOK, appendResults(make([]byte, 0, size), results))
}

func appendResults(buf []byte, results []batchResult) []byte {
	buf = append(buf, `{"results":[`...)
	for i := range results {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = results[i].append(buf)
	}
	return append(buf, `]}`...)
}

func (r *batchResult) append(buf []byte) []byte {
	buf = append(buf, `{"op":`...)
	buf = value.AppendString(buf, string(r.form.Op))
	buf = append(buf, `,"table":`...)
	buf = value.AppendString(buf, r.form.Table)
	buf = append(buf, `,"key":`...)
	buf = value.AppendString(buf, r.form.Key)
	buf = append(buf, `,"status":`...)
	buf = strconv.AppendInt(buf, int64(r.form.Status), 10)
	if r.form.Version != 0 {
		buf = append(buf, `,"version":`...)
		buf = strconv.AppendInt(buf, r.form.Version, 10)
	}
	if r.entry != nil {
		buf = append(buf, `,"entry":`...)
		buf = appendEntry(buf, *r.entry)
	}
	if len(r.form.Value) > 0 {
		buf = append(buf, `,"value":`...)
		buf = append(buf, r.form.Value...)
	}
	if r.form.Error != nil {
		buf = append(buf, `,"error":`...)
		buf = append(buf, encode(r.form.Error)...)
	}
	return append(buf, '}')
}
