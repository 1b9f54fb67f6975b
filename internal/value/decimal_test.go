package value

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

// A float64, written with the digits that it needs, is laid out as ECMAScript does,
// for which jsontext is the reference.
func TestNumbersOfFloat64AreECMAScripts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.Uint64().Draw(t, "bits")
		if rapid.Bool().Draw(t, "near 1") {
			bits = math.Float64bits(rapid.Float64Range(1e-9, 1e23).Draw(t, "float"))
		}
		f := math.Float64frombits(bits)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return
		}
		want := jsontext.Float(f).String()
		if f == 0 {
			want = "0" // jsontext writes -0
		}
		for _, format := range []byte("efg") {
			text := strconv.FormatFloat(f, format, -1, 64)
			v, err := Parse([]byte(text), Limits{})
			if err != nil || string(v.Data) != want {
				t.Fatalf("%s: got %s, %v, want %s", text, v.Data, err, want)
			}
		}
	})
}

// The range is float64's by rounding: every way to write its extremes is in.
func TestNumberRange(t *testing.T) {
	digits := func(f float64, precision int) string { return strconv.FormatFloat(f, 'e', precision, 64) }
	for precision := 14; precision < 770; precision++ {
		for _, f := range []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, -math.MaxFloat64, 0x1p-1022} {
			text := digits(f, precision)
			_, err := Parse([]byte(text), Limits{})
			if back, parseErr := strconv.ParseFloat(text, 64); (err == nil) != (parseErr == nil && back != 0) {
				t.Fatalf("%s: %v", text, err)
			}
		}
	}
	for text, ok := range map[string]bool{
		"17976931348623157" + strings.Repeat("0", 292):         true,
		"17976931348623159" + strings.Repeat("0", 292):         false,
		"0." + strings.Repeat("0", 323) + "5":                  true,
		"0." + strings.Repeat("0", 323) + "247032822920623272": false, // half of the smallest, cut
		"0." + strings.Repeat("0", 323) + "247032822920623273": true,
		"0." + strings.Repeat("0", 324) + "9":                  false,
	} {
		if _, err := Parse([]byte(text), Limits{}); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
