package storetest

import (
	"errors"
	"slices"
	"strings"

	"larder/internal/store"
)

// oddKeys are keys that some layer or other tends to take for something else.
func oddKeys() []string {
	return []string{
		"a/b", "/", "//", "a/", "/a", "a//b", "a%2Fb", "a%2fb", "a%25b", "a%b", "%", "%%", "100%25", "100%", "%00", "%zz",
		":", "*", "[", "]", "[a]", "_", "__", "?", "#", "&", "=", "+", ";", ",", "@", "!", "$", "$key", "~", "~0", "~1", "^", "|", "<", ">", "{", "}", "{key}", "{}", "}{", "{}a", "{a}", "{a}b", "a}b", "a{b}c", "a{b}d", "{{a}}", "{a}{b}", ":a", "a:", "a:b", "a:b:c", "::", "a::b",
		" ", "  ", " a", "a ", "a b", "a  b", "...", ". .", ".a", "a.", "../a", "./a", "a/../b", "a/./b", "a/..", "~user",
		`"`, `'`, `''`, "`", `\`, `\\`, `\n`, `\u0000`, `a\`, `a"b`, `a'b`, `'; drop table things; --`,
		"null", "true", "0", "-1", "1e3", "00", "keys", "entry", "expiry", "increment", "query",
		"ä", "a\u0308", "é", "e\u0301", "Å", "\u212b", "ﬁ", "fi", "İ", "i", "I", "ı", "ß", "SS", "ss", "A", "a",
		"日本語", "한국어", "العربية", "עברית", "हिन्दी", "🙂", "👩‍👩‍👧‍👦", "🇩🇪", "𝒳", "\uffff", "\U0010ffff", "\ufffd", "\u200b", "\u202e", "\ufeff", "\u00a0", "\u2028", "\u0300",
		strings.Repeat("k", store.MaxKeyBytes), strings.Repeat("€", store.MaxKeyBytes/3) + "k", strings.Repeat("/", store.MaxKeyBytes), strings.Repeat("%", 300),
	}
}

// badKeys are not keys.
func badKeys() []string {
	return []string{
		"", ".", "..", "\x00", "a\x00b", "\x00a", "\n", "a\tb", "\r", "a\x1f", "\x7f", "\u0080", "a\u0085b", "\u009f",
		strings.Repeat("k", store.MaxKeyBytes+1), strings.Repeat("€", store.MaxKeyBytes/3+1), strings.Repeat("k", 70_000),
	}
}

// textsNotUTF8 are no text at all.
func textsNotUTF8() []string {
	return []string{"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80", "a\x80b"}
}

func keyTests() []test {
	return []test{
		{name: "odd keys round trip", run: oddKeysRoundTrip},
		{name: "keys that look alike stay apart", run: keysThatLookAlike},
		{name: "the order is that of bytes", run: keyOrder},
		{name: "bad keys are refused everywhere", run: badKeysRefused},
		{name: "keys that are not UTF-8 are refused everywhere", needs: []Topic{InvalidText}, run: keysNotUTF8Refused},
		{name: "odd tables round trip", run: oddTablesRoundTrip},
		{name: "bad tables are refused everywhere", run: badTablesRefused},
		{name: "system tables are tables", needs: []Topic{SystemTables}, run: systemTables},
		{name: "the same key in two tables is two entries", run: sameKeyInTwoTables},
		{name: "reading many at once keeps the order asked for", run: readMany},
	}
}

func oddKeysRoundTrip(x *subject) {
	for _, key := range oddKeys() {
		written := x.do(put(key, `"first"`))
		if written.Key != key || written.Version != 1 {
			x.Fatalf("put %q gave %s", key, show(written))
		}
		read := x.present(key)
		if string(read.Value.Data) != `"first"` {
			x.Fatalf("%q holds %s", key, read.Value.Data)
		}
		if again := x.do(onlyIf(store.IfVersion(read.Version), put(key, `"second"`))); again.Version != 2 {
			x.Fatalf("%q: the second put gave %s", key, show(again))
		}
		x.refuseOne(store.AlreadyExists, onlyIf(ifAbsent, put(key, `"third"`)))
	}
	want := slices.Sorted(slices.Values(oddKeys()))
	x.sameKeys("scan", x.everything(), want...)
	for _, e := range x.feed(store.Changes{Table: things}).Changes {
		if e.Deleted || e.Version != 2 || !slices.Contains(want, e.Key) {
			x.Fatalf("the feed shows %s", show(e.Entry))
		}
	}
	for _, key := range oddKeys() {
		x.sameKeys("scan from the key on", x.page(store.Scan{Table: things, Start: key, Limit: 1}).Entries, key)
		x.do(del(key))
		x.absent(key)
	}
	x.sameKeys("scan", x.everything())
}

func keysThatLookAlike(x *subject) {
	alike := []string{
		"é", "e\u0301", // composed and decomposed
		"Å", "\u212b", "A\u030a", // the letter, the unit, decomposed
		"a", "A", "а", // Latin, Latin, Cyrillic
		"k", "\u212a", "ſ", "s", "ﬁ", "fi", "ß", "ss",
		"a b", "a\u00a0b", "a+b", "a%20b", "a b ", " a b",
		"x\u200b", "x", "x ", "a/b", "a%2Fb", "a%252Fb", "0", "00", "+0",
	}
	for i, key := range alike {
		x.do(onlyIf(ifAbsent, put(key, number(i))))
	}
	for i, key := range alike {
		if got := string(x.present(key).Value.Data); got != number(i) {
			x.Fatalf("%+q holds %s, want %d", key, got, i)
		}
	}
}

func keyOrder(x *subject) {
	// Each differs from the next in the first byte or in length: control-free
	// ASCII, Latin-1, the end of the BMP and what lies beyond, which UTF-16
	// and many collations sort otherwise.
	ordered := []string{
		" ", "!", "-", "-a", "/", "0", "10", "2", ":", "A", "AA", "Z", "[", "_", "a", "aA", "a_", "aa", "b", "~", "é", "ÿ", "Ā", "ﬀ", "\uffff", "\U00010000", "🙂", "\U0010ffff",
	}
	shuffled := slices.Clone(ordered)
	slices.SortFunc(shuffled, func(a, b string) int { return strings.Compare(reversed(a), reversed(b)) })
	for _, key := range shuffled {
		x.do(put(key, `1`))
	}
	want := slices.Sorted(slices.Values(ordered))
	x.sameKeys("scan", x.everything(), want...)
	x.sameKeys("scan in pages", x.scan(store.Scan{Table: things, Limit: 3}).Entries, want...)
	slices.Reverse(want)
	x.sameKeys("scan backwards", x.scan(store.Scan{Table: things, Reverse: true, Limit: 5}).Entries, want...)
	x.sameKeys("beyond the BMP", x.scan(store.Scan{Table: things, Start: "\uffff", End: "\U0010ffff"}).Entries, "\uffff", "\U00010000", "🙂")
}

func reversed(s string) string {
	runes := []rune(s)
	slices.Reverse(runes)
	return string(runes)
}

func badKeysRefused(x *subject) { x.refuseKeys(badKeys()) }

func keysNotUTF8Refused(x *subject) { x.refuseKeys(textsNotUTF8()) }

// refuseKeys tries keys that are none in every place that takes one.
func (x *subject) refuseKeys(keys []string) {
	for _, key := range keys {
		for _, op := range []store.Op{
			put(key, `1`), get(key), del(key), check(key, ifExists), expire(key, store.NeverExpires()),
			merge(key, `{}`), jsonPatch(key, `[]`), add(key, `1`),
		} {
			x.refuse(store.InvalidKey, op)
		}
		if _, err := x.s.Get(x.Context(), []store.Ref{ref("fine"), ref(key)}); !errors.Is(err, store.InvalidKey) {
			x.Fatalf("Get(%.40q) = %v, want %s", key, err, store.InvalidKey)
		}
		err := x.refuse(store.BatchFailed, put("fine", `1`), put(key, `1`))
		if len(err.Failures) != 1 || err.Failures[0].Index != 1 || err.Failures[0].Err.Code != store.InvalidKey {
			x.Fatalf("a batch with the key %.40q failed with %+v", key, err.Failures)
		}
	}
	x.absent("fine")
}

func oddTablesRoundTrip(x *subject) {
	names := []string{"a", "A", "0", "a.b", "a..b", "a-b", "a_b", "a.", "a_", "select", "Table", "keys", strings.Repeat("t", store.MaxTableBytes)}
	for i, name := range names {
		x.do(store.Op{Kind: store.Put, Ref: store.Ref{Table: name, Key: "k"}, Value: doc(number(i))})
	}
	for i, name := range names {
		e := x.read(store.Ref{Table: name, Key: "k"})[0]
		if string(e.Value.Data) != number(i) {
			x.Fatalf("table %q holds %s, want %d", name, show(e), i)
		}
	}
	x.tables(slices.Sorted(slices.Values(names))...)
}

func badTablesRefused(x *subject) {
	for _, name := range []string{
		"", "-a", ".a", ".", "..", "a b", "a/b", "a%2Fb", "ä", "a\x00", "a\n", "__", "_", "_-", "a:b", "a*", `a"b`, "a'b", strings.Repeat("t", store.MaxTableBytes+1),
	} {
		bad := store.Ref{Table: name, Key: "k"}
		_, err := x.s.Get(x.Context(), []store.Ref{bad})
		x.expect("Get "+name, err, store.InvalidTable)
		_, err = x.s.Apply(x.Context(), store.Batch{Ops: []store.Op{{Kind: store.Put, Ref: bad, Value: doc(`1`)}}})
		x.expect("Apply "+name, err, store.InvalidTable)
		_, err = x.s.Scan(x.Context(), store.Scan{Table: name})
		x.expect("Scan "+name, err, store.InvalidTable)
		if name != "" { // no name stands for all tables
			_, err = x.s.Changes(x.Context(), store.Changes{Table: name})
			x.expect("Changes "+name, err, store.InvalidTable)
		}
	}
	x.tables()
}

func systemTables(x *subject) {
	op := store.Op{Kind: store.Put, Ref: store.Ref{Table: "_catalog", Key: "k"}, Value: doc(`1`)}
	x.do(op)
	if e := x.read(op.Ref)[0]; e.Version != 1 {
		x.Fatalf("the system table holds %s", show(e))
	}
	x.tables("_catalog")
	x.sameKeys("scan", x.scan(store.Scan{Table: "_catalog"}).Entries, "k")
}

func sameKeyInTwoTables(x *subject) {
	other := store.Op{Kind: store.Put, Ref: store.Ref{Table: "others", Key: "k"}, Value: doc(`"other"`)}
	x.apply(put("k", `"thing"`), other)
	x.do(put("k", `"thing 2"`))
	x.do(del("k"))
	if e := x.read(other.Ref)[0]; e.Version != 1 || string(e.Value.Data) != `"other"` {
		x.Fatalf("the other table holds %s", show(e))
	}
	x.sameKeys("scan of the other table", x.scan(store.Scan{Table: "others"}).Entries, "k")
	x.sameKeys("scan of this one", x.everything())
}

func readMany(x *subject) {
	x.apply(put("a", `"a"`), put("b", `"b"`), put("c", `"c"`))
	x.do(del("b"))
	read := x.read(ref("c"), ref("b"), ref("a"), ref("none"), ref("c"), store.Ref{Table: "never", Key: "a"})
	for i, want := range []string{`"c"`, "", `"a"`, "", `"c"`, ""} {
		if got := string(read[i].Value.Data); got != want || read[i].Exists() != (want != "") {
			x.Fatalf("entry %d is %s, want %q", i, show(read[i]), want)
		}
	}
	if read := x.read(); len(read) != 0 {
		x.Fatalf("reading nothing gave %d entries", len(read))
	}
}
