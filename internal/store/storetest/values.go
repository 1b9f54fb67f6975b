package storetest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"larder/internal/store"
	"larder/internal/value"
)

func valueTests() []test {
	return []test{
		{name: "every JSON value comes back byte for byte", run: jsonRoundTrip},
		{name: "numbers keep their exact value", run: numbersRoundTrip},
		{name: "the deepest value comes back", run: deepestValue},
		{name: "the largest value comes back and a larger one is refused", run: largestValue},
		{name: "opaque bytes come back as they are", run: bytesRoundTrip},
		{name: "JSON and bytes take each other's place", run: jsonAndBytes},
		{name: "values come back the same on every way", run: valuesOnEveryWay},
		{name: "metadata comes back and is replaced as a whole", run: metadataRoundTrip},
		{name: "metadata is kept by what does not set it", run: metadataKept},
		{name: "bad metadata is refused", run: badMetadata},
		{name: "values survive closing", needs: []Topic{reopening}, run: valuesSurvive},
	}
}

// oddDocuments are values that some encoder or other tends to change.
func oddDocuments() []string {
	return []string{
		`null`, `true`, `false`, `""`, `[]`, `{}`, `0`, `-1`, `0.5`,
		`[null,true,false,0,"",[],{}]`, `[[[[]]]]`, `{"a":{"b":{"c":null}}}`,
		`"null"`, `"1"`, `" "`, `"a b"`, `"\""`, `"\\"`, `"\\n"`, `"/"`, `"<script>&amp;</script>"`,
		`"\b\f\n\r\t"`, `"\u0001\u001f"`, `"` + "\u007f\u0080\u2028\u2029\ufeff\ufffd\uffff" + `"`,
		`"` + "é e\u0301 日本語 العربية 🙂 👩‍👩‍👧‍👦 \U0010ffff" + `"`,
		`"` + strings.Repeat(`\\\"`, 500) + `"`,
		`{"":0}`, `{"a":1,"A":2,"é":3,"` + "e\u0301" + `":4,"aa":5,"b":6}`, `{"a/b":1,"~":2,"a~1b":3,"$key":4,"0":5,"-":6,"a b":7,"\"":8,"\\":9}`,
		`{"b":1,"a":2,"c":3}`, `{"10":1,"9":2,"1":3}`, `{"\uffff":1,"\ud800\udc00":2}`, `{"__proto__":1,"constructor":2}`,
		`[1,1.5,"1",true,null,{"a":[1,{"b":[]}]}]`,
		`{"name":"Ada Lovelace","born":"1815-12-10","tags":["math","computing"],"address":{"city":"London","zip":null}}`,
	}
}

func (x *subject) roundTrip(documents []value.Value) {
	x.Helper()
	for i, v := range documents {
		key := number(i)
		for _, e := range []store.Entry{x.do(putValue(key, v)), x.present(key)} {
			if !e.Value.Equal(v) {
				x.Fatalf("%.200q came back as %.200q", v.Data, e.Value.Data)
			}
		}
	}
}

func jsonRoundTrip(x *subject) {
	var documents []value.Value
	for _, text := range oddDocuments() {
		documents = append(documents, doc(text))
	}
	x.roundTrip(documents)
}

func numbersRoundTrip(x *subject) {
	var documents []value.Value
	for _, text := range []string{
		`9007199254740991`, `9007199254740992`, `9007199254740993`, `-9007199254740993`, `9223372036854775807`, `9223372036854775808`, `18446744073709551615`, `18446744073709551616`,
		`123456789012345678901234567890`, `0.1`, `0.30000000000000004`, `3.141592653589793238462643383279`, `1.0`, `-0`, `-0.0`, `1e3`, `1E+3`, `1000`,
		`1e300`, `-1e300`, `1.7976931348623157e308`, `5e-324`, `1e-300`, `1e21`, `1e22`, `123e-7`, `0.000001`, `0.0000001`, `1e23`, `100000000000000000000000`,
	} {
		documents = append(documents, doc(text), doc(`{"n":`+text+`,"list":[`+text+`]}`))
	}
	x.roundTrip(documents)
}

func deepestValue(x *subject) {
	lists := strings.Repeat("[", x.limits.MaxDepth) + strings.Repeat("]", x.limits.MaxDepth)
	objects := strings.Repeat(`{"a":`, x.limits.MaxDepth) + "1" + strings.Repeat("}", x.limits.MaxDepth)
	x.roundTrip([]value.Value{doc(lists), doc(objects)})
}

func largestValue(x *subject) {
	most := x.limits.MaxValueBytes
	text := func(size int) value.Value {
		return value.Value{Data: []byte(`"` + strings.Repeat("x", size-2) + `"`)}
	}
	noise := make([]byte, most+1)
	for i := range noise {
		noise[i] = byte(i * 7 >> 3)
	}
	x.roundTrip([]value.Value{text(most), text(most - 1), opaque(noise[:most])})
	x.refuseOne(store.TooLarge, putValue("larger", text(most+1)))
	x.refuseOne(store.TooLarge, putValue("larger", opaque(noise)))
	x.refuseOne(store.TooLarge, putValue("0", text(most+1)))
	x.absent("larger")
}

func bytesRoundTrip(x *subject) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	x.roundTrip([]value.Value{
		opaque([]byte{}), opaque(all), opaque([]byte{0}), opaque([]byte("\xff\xfe")), opaque([]byte("text")), opaque([]byte(`{"a": 1}`)), opaque([]byte("null")),
		opaque([]byte("\r\n")), opaque([]byte("aGVsbG8=")), opaque(bytes.Repeat(all, 100)), opaque([]byte("\ufeff")),
	})
}

func jsonAndBytes(x *subject) {
	x.do(putValue("k", opaque([]byte(`{"a":1}`))))
	x.do(put("k", `{"a":1}`))
	if e := x.present("k"); e.Value.Encoding != value.JSON || e.Version != 2 {
		x.Fatalf("there is %s, as %v", show(e), e.Value.Encoding)
	}
	x.do(putValue("k", opaque([]byte(`{"a":1}`))))
	if e := x.present("k"); e.Value.Encoding != value.Bytes || e.Version != 3 {
		x.Fatalf("there is %s, as %v", show(e), e.Value.Encoding)
	}
	x.refuseOne(store.PatchConflict, merge("k", `{"a":2}`))
	x.refuseOne(store.PatchConflict, jsonPatch("k", `[{"op":"test","path":"/a","value":1}]`))
	x.refuseOne(store.NotANumber, addAt("k", "/a", `1`))
	x.do(expire("k", store.ExpiresIn(hours)))
	if e := x.present("k"); string(e.Value.Data) != `{"a":1}` || e.Value.Encoding != value.Bytes {
		x.Fatalf("after an expire there is %s, as %v", show(e), e.Value.Encoding)
	}
}

// valuesOnEveryWay reads the same entries by all the ways there are.
func valuesOnEveryWay(x *subject) {
	var keys []string
	for i, text := range oddDocuments() {
		key := fmt.Sprintf("%03d", i)
		keys = append(keys, key)
		x.do(tagged(map[string]string{"number": number(i)}, put(key, text)))
		x.tick()
	}
	x.do(putValue("bytes", opaque([]byte{0, 1, 255})))
	keys = append(keys, "bytes")
	want := make([]store.Entry, len(keys))
	for i, key := range keys {
		want[i] = x.present(key)
	}
	same := func(way string, got []store.Entry) {
		x.Helper()
		if diff := compareEntries(got, want); diff != "" {
			x.Fatalf("%s: %s", way, diff)
		}
	}
	same("scan", x.everything())
	same("scan in pages", x.scan(store.Scan{Table: things, Limit: 7}).Entries)
	same("scan by change", x.scan(store.Scan{Table: things, Order: store.ByChange, Limit: 7}).Entries)
	var changed []store.Entry
	for _, c := range x.feed(store.Changes{Table: things, Limit: 7}).Changes {
		changed = append(changed, c.Entry)
	}
	slices.SortFunc(changed, byKey)
	same("feed", changed)
	if searcher, ok := store.As[store.Searcher](x.s); ok {
		found, err := searcher.Search(x.Context(), store.Query{Table: things})
		x.expect("Search", err, "")
		same("query", found.Entries)
	}
}

func metadataRoundTrip(x *subject) {
	long := strings.Repeat("v", 4000)
	many := make(map[string]string)
	for i := range store.MaxMetadataPairs {
		many["name-"+number(i)] = number(i)
	}
	for i, pairs := range []map[string]string{
		{"tier": "gold"}, {"*": "", "a": " ", "a.b-c_d*1": `"quoted" \ and é🙂`}, {"long": long, "long2": long}, many, {"null": "null", "true": "1"}, {},
	} {
		key := number(i)
		x.do(tagged(pairs, put(key, `1`)))
		if e := x.present(key); !maps.Equal(e.Metadata, pairs) {
			x.Fatalf("metadata %v came back as %v", pairs, e.Metadata)
		}
	}
	x.do(tagged(map[string]string{"b": "2"}, put("0", `1`)))
	if e := x.present("0"); !maps.Equal(e.Metadata, map[string]string{"b": "2"}) {
		x.Fatalf("the new metadata is %v", e.Metadata)
	}
	x.do(put("0", `1`))
	if e := x.present("0"); len(e.Metadata) != 0 {
		x.Fatalf("a put without metadata left %v", e.Metadata)
	}
}

func metadataKept(x *subject) {
	pairs := map[string]string{"tier": "gold", "a": "é"}
	x.do(tagged(pairs, put("k", `{"n":1}`)))
	for _, op := range []store.Op{merge("k", `{"m":1}`), jsonPatch("k", `[{"op":"remove","path":"/m"}]`), addAt("k", "/n", `1`), expire("k", store.ExpiresIn(hours))} {
		x.do(op)
		if e := x.present("k"); !maps.Equal(e.Metadata, pairs) {
			x.Fatalf("%s left the metadata %v", op.Kind, e.Metadata)
		}
	}
	x.do(del("k"))
	x.absent("k")
	x.do(put("k", `1`))
	if e := x.present("k"); len(e.Metadata) != 0 {
		x.Fatalf("a new life began with the metadata %v", e.Metadata)
	}
}

func badMetadata(x *subject) {
	tooMany := make(map[string]string)
	for i := range store.MaxMetadataPairs + 1 {
		tooMany["n"+number(i)] = ""
	}
	for _, pairs := range []map[string]string{
		{"": "v"}, {"A": "v"}, {"1a": "v"}, {"a b": "v"}, {"a": "\x00"}, {"a": "b\n"}, {"é": "v"}, tooMany, {"a": strings.Repeat("v", store.MaxMetadataBytes)},
	} {
		x.refuseOne(store.InvalidMetadata, tagged(pairs, put("k", `1`)))
	}
}

func valuesSurvive(x *subject) {
	var keys []string
	for i, text := range oddDocuments() {
		keys = append(keys, "odd "+number(i))
		x.do(tagged(map[string]string{"a": "b"}, living(store.ExpiresIn(hours), put(keys[i], text))))
	}
	x.applyEach(oddKeys(), func(key string) store.Op { return putValue(key, opaque([]byte(key))) })
	x.do(del(keys[0]))
	want, feed := x.everything(), x.feed(store.Changes{Table: things})
	x.reopen()
	if diff := compareEntries(x.everything(), want); diff != "" {
		x.Fatalf("after reopening: %s", diff)
	}
	if again := x.feed(store.Changes{Table: things}); len(again.Changes) != len(feed.Changes) {
		x.Fatalf("after reopening the feed has %d changes, before %d", len(again.Changes), len(feed.Changes))
	}
	if rest := x.feed(store.Changes{Table: things, Since: feed.Next}); len(rest.Changes) != 0 {
		x.Fatalf("after reopening the feed shows %d changes anew", len(rest.Changes))
	}
	if e := x.do(put(keys[0], `1`)); e.Version != 3 {
		x.Fatalf("after reopening a deleted entry went on as %s", show(e))
	}
}
