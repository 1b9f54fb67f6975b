package value

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// user is a value of some 300 bytes, as a client would send it: compact and sorted.
const user = `{"active":true,"address":{"city":"São Paulo","country":"BR","zip":"01310-100"},"age":37,"balance":1250.75,` +
	`"email":"ada.lovelace@example.com","id":9007199254740993,"last_login":"2024-02-29T12:30:45.123456Z",` +
	`"name":"Ada Lovelace","roles":["admin","editor"],"tags":["first","second","third"],"score":0.125}`

// benchTexts gives a value canonical, as jsonb gives it back, and wild.
func benchTexts(tb testing.TB, text string) map[string][]byte {
	tb.Helper()
	v := canonical(tb, []byte(text))
	jsonb := bytes.ReplaceAll(bytes.ReplaceAll(v, []byte(`,"`), []byte(`, "`)), []byte(`":`), []byte(`": `))
	return map[string][]byte{
		"canonical": v,
		"spaces":    jsonb,
		"disorder":  []byte(text),
	}
}

func manyUsers(n int) string {
	users := make([]string, n)
	for i := range users {
		users[i] = strings.Replace(user, "37", strconv.Itoa(i), 1)
	}
	return "[" + strings.Join(users, ",") + "]"
}

func BenchmarkParse(b *testing.B) {
	for size, text := range map[string]string{"300B": user, "30KB": manyUsers(90)} {
		for form, data := range benchTexts(b, text) {
			b.Run(size+"/"+form, func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Parse(data, Limits{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkJSONText is what the library would do for Parse: check, and canonicalize
// where needed. Its form is another (RFC 8785), its work much the same.
func BenchmarkJSONText(b *testing.B) {
	for size, text := range map[string]string{"300B": user, "30KB": manyUsers(90)} {
		for form, data := range benchTexts(b, text) {
			b.Run(size+"/"+form, func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					v := jsontext.Value(data)
					if form == "canonical" {
						if !v.IsValid() {
							b.Fatal("not valid")
						}
						continue
					}
					v = bytes.Clone(v)
					if err := v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	for name, c := range map[string]struct{ text, path string }{
		"first":   {user, "/active"},
		"nested":  {user, "/address/zip"},
		"last":    {user, "/tags/2"},
		"missing": {user, "/zzz"},
		"30KB":    {manyUsers(90), "/89/tags/2"},
	} {
		doc := canonical(b, []byte(c.text))
		p, err := ParsePointer(c.path)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Lookup(doc)
			}
		})
	}
}

func BenchmarkAppendOrdered(b *testing.B) {
	for name, text := range map[string]string{"number": "1250.75", "string": `"ada.lovelace@example.com"`, "300B": user} {
		raw := canonical(b, []byte(text))
		b.Run(name, func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendOrdered(dst[:0], raw)
			}
		})
	}
}

func BenchmarkCompare(b *testing.B) {
	for name, text := range map[string]string{"number": "1250.75", "string": `"ada.lovelace@example.com"`, "300B": user} {
		raw := canonical(b, []byte(text))
		other := bytes.Clone(raw)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Compare(raw, other)
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, filter := range []string{
		`{"path":"/age","op":"gte","value":18}`,
		`{"path":"/email","op":"like","value":"%@example.com"}`,
		`{"path":"/tags","op":"contains","value":"third"}`,
		`{"and":[{"path":"/age","op":"gte","value":18},{"path":"/address/country","op":"in","value":["AT","BR","CH"]},{"not":{"path":"/name","op":"prefix","value":"B"}}]}`,
	} {
		f, err := ParseFilter([]byte(filter), Limits{})
		if err != nil {
			b.Fatal(err)
		}
		m, err := Compile(f)
		if err != nil {
			b.Fatal(err)
		}
		name := f.Op
		if name == "" {
			name = "and"
		}
		var d Doc = entry{canonical(b, []byte(user))}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !m.Match(d) {
					b.Fatal("no match")
				}
			}
		})
	}
}

func BenchmarkMergePatch(b *testing.B) {
	target, patch := canonical(b, []byte(user)), canonical(b, []byte(`{"address":{"zip":null},"age":38}`))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := MergePatch(target, patch, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONPatch(b *testing.B) {
	target := canonical(b, []byte(user))
	patch := canonical(b, []byte(`[{"op":"test","path":"/age","value":37},{"op":"replace","path":"/age","value":38},{"op":"add","path":"/tags/-","value":"x"}]`))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := JSONPatch(target, patch, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	for name, c := range map[string][2]string{"integers": {"41", "1"}, "decimals": {"1250.75", "0.1"}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Add([]byte(c[0]), []byte(c[1])); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
