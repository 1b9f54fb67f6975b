package value

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestFormatTime(t *testing.T) {
	at := time.Date(2024, 2, 29, 23, 59, 59, 999_999_999, time.FixedZone("", -3600))
	if got := FormatTime(at); got != "2024-03-01T00:59:59.999999Z" {
		t.Error(got)
	}
	if got := string(AppendTime([]byte("x"), at)); got != `x"2024-03-01T00:59:59.999999Z"` {
		t.Error(got)
	}
}

// A time of an entry and an operand compare as the instants do, whatever the zone and
// the digits of the operand.
func TestTimesCompareAsInstants(t *testing.T) {
	const micros = int64(time.Microsecond)
	rapid.Check(t, func(t *rapid.T) {
		entryTime := time.Unix(1_700_000_000, rapid.Int64Range(0, 3).Draw(t, "µs")*micros)
		nanos := rapid.SampledFrom([]int64{0, 1, 500, 999}).Draw(t, "ns") + rapid.Int64Range(0, 3).Draw(t, "operand µs")*micros
		operand := time.Unix(1_700_000_000, nanos).In(time.FixedZone("", 60*rapid.IntRange(-720, 720).Draw(t, "zone")))
		c := entryTime.Compare(operand)
		for op, want := range map[string]bool{OpEq: c == 0, OpNe: c != 0, OpGt: c > 0, OpGte: c >= 0, OpLt: c < 0, OpLte: c <= 0} {
			m, err := Compile(Filter{Path: "$expires_at", Op: op, Value: []byte(`"` + operand.Format(time.RFC3339Nano) + `"`)})
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Match(expiring{entryTime}); got != want {
				t.Fatalf("%v %s %v: %v", entryTime, op, operand, got)
			}
		}
	})
}

type expiring struct{ at time.Time }

func (e expiring) Field(FieldPath) ([]byte, bool) { return AppendTime(nil, e.at), true }
