package bench

import (
	"fmt"
	"strings"
	"testing"
)

// keys is how many keys the benchmarks of single entries go round.
const keys = 10_000

// document is a value of about 300 bytes, in canonical form.
func document(i int) []byte {
	return fmt.Appendf(nil, `{"age":%d,"city":"Reykjavík","email":"user%d@example.org","id":%d,"name":"User Number %d","note":"%s","tags":["alpha","beta","gamma"]}`,
		18+i%80, i, i, i, strings.Repeat("lorem ipsum ", 12))
}

func keyPath(i int) string { return fmt.Sprintf("/tables/bench/keys/user%06d", i%keys) }

// batchOf is a batch that puts n documents, the first under key number first.
func batchOf(first, n int, table string) []byte {
	var b strings.Builder
	b.WriteString(`{"operations":[`)
	for i := first; i < first+n; i++ {
		if i > first {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"op":"put","table":%q,"key":"user%07d","value":%s}`, table, i, document(i))
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// fill puts n documents into a table of a larder.
func fill(b *testing.B, address, table string, n int) {
	b.Helper()
	const each = 500
	load(b, address, 4, (n+each-1)/each, func(i int) []byte {
		return send("POST", "/batch", batchOf(i*each, min(each, n-i*each), table))
	})
}
