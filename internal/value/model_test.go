package value

import (
	"cmp"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// The model: values as Go has them, numbers as *big.Rat, built to be plainly right.

// randomValue draws nil, a bool, a *big.Rat, a string, a []any or a map[string]any.
// Names and scalars come from small sets often enough for collisions.
func randomValue(t *rapid.T, depth int) any {
	most := 5
	if depth == 0 {
		most = 3
	}
	switch rapid.IntRange(0, most).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return randomNumber(t)
	case 3:
		return randomString(t)
	case 4:
		list := make([]any, rapid.IntRange(0, 5).Draw(t, "length"))
		for i := range list {
			list[i] = randomValue(t, depth-1)
		}
		return list
	default:
		object := map[string]any{}
		for range rapid.IntRange(0, 5).Draw(t, "members") {
			object[randomString(t)] = randomValue(t, depth-1)
		}
		return object
	}
}

// randomNumber draws a number of up to 40 digits and of any size that Parse takes.
func randomNumber(t *rapid.T) *big.Rat {
	if rapid.Bool().Draw(t, "small") {
		return new(big.Rat).SetFrac64(rapid.Int64Range(-12, 12).Draw(t, "n"), rapid.SampledFrom([]int64{1, 1, 2, 10}).Draw(t, "d"))
	}
	digits := rapid.StringMatching(`-?[1-9][0-9]{0,39}`).Draw(t, "digits")
	exp := rapid.OneOf(rapid.IntRange(-30, 30), rapid.IntRange(-320, 265)).Draw(t, "exp")
	r, ok := new(big.Rat).SetString(digits + "e" + strconv.Itoa(exp))
	if !ok {
		t.Fatalf("%se%d", digits, exp)
	}
	return r
}

func randomString(t *rapid.T) string {
	if rapid.Bool().Draw(t, "short") {
		return rapid.SampledFrom([]string{"", "a", "b", "ab", "0", "1", "-", "/", "~", `"`, `\`, "\n", "é", "😀", "ﬀ", "#", "!", "\x01"}).Draw(t, "s")
	}
	chars := rapid.OneOf(rapid.RuneFrom([]rune(`ab"\/~é😀`+"\n\t\x01\x1f\x7f")), rapid.Rune())
	return strings.ReplaceAll(rapid.StringOf(chars).Draw(t, "s"), "\x00", "")
}

// randomText writes a value in any way that JSON allows.
func randomText(t *rapid.T, v any) string {
	w := randomWriter{t: t, style: rapid.IntRange(0, 2).Draw(t, "style")}
	w.value(v)
	return w.String()
}

// randomWriter writes compact and sorted, as jsonb does, or wildly.
type randomWriter struct {
	strings.Builder
	t     *rapid.T
	style int
}

func (w *randomWriter) choose(n int) int {
	if w.style < 2 {
		return 0
	}
	return rapid.IntRange(0, n-1).Draw(w.t, "choice")
}

func (w *randomWriter) space() {
	w.WriteString([]string{"", " ", "\t", "\r\n"}[w.choose(4)])
}

func (w *randomWriter) value(v any) {
	w.space()
	defer w.space()
	switch v := v.(type) {
	case nil:
		w.WriteString("null")
	case bool:
		w.WriteString(strconv.FormatBool(v))
	case *big.Rat:
		w.number(v)
	case string:
		w.string(v)
	case []any:
		w.WriteString("[")
		for i, each := range v {
			if i > 0 {
				w.WriteString(",")
			}
			w.value(each)
		}
		w.space()
		w.WriteString("]")
	case map[string]any:
		w.object(v)
	}
}

func (w *randomWriter) object(v map[string]any) {
	w.WriteString("{")
	names := slices.Sorted(maps.Keys(v))
	switch w.style {
	case 1: // jsonb's order, and its spaces
		slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	case 2:
		names = rapid.Permutation(names).Draw(w.t, "order")
	}
	for i, name := range names {
		if i > 0 {
			w.WriteString(",")
		}
		if w.style == 1 {
			w.WriteString(" ")
		}
		w.space()
		w.string(name)
		w.space()
		w.WriteString(":")
		w.value(v[name])
	}
	w.space()
	w.WriteString("}")
}

// number writes plain digits, as jsonb does, or with the point and exponent anywhere.
func (w *randomWriter) number(r *big.Rat) {
	if w.style == 0 {
		w.WriteString(modelNumber(r))
		return
	}
	shift := 0
	if w.choose(2) == 1 {
		shift = rapid.IntRange(-40, 40).Draw(w.t, "shift")
	}
	scaled := new(big.Rat).Mul(r, power10(-shift))
	n, _ := scaled.FloatPrec()
	w.WriteString(scaled.FloatString(n + w.choose(3)))
	if shift != 0 || w.choose(3) == 1 {
		w.WriteString([]string{"e", "E"}[w.choose(2)])
		if shift >= 0 {
			w.WriteString([]string{"", "+"}[w.choose(2)])
		}
		w.WriteString(strconv.Itoa(shift))
	}
}

func (w *randomWriter) string(s string) {
	w.WriteByte('"')
	for _, r := range s {
		hex := func(r rune) string {
			digits := strconv.FormatInt(int64(r), 16)
			if w.choose(2) == 1 {
				digits = strings.ToUpper(digits)
			}
			return `\u` + strings.Repeat("0", 4-len(digits)) + digits
		}
		switch escape := w.choose(4) == 1; {
		case escape && r > 0xffff:
			high, low := utf16.EncodeRune(r)
			w.WriteString(hex(high) + hex(low))
		case escape:
			w.WriteString(hex(r))
		case r == '/' && w.choose(2) == 1:
			w.WriteString(`\/`)
		default:
			w.WriteString(modelEscape(r))
		}
	}
	w.WriteByte('"')
}

func power10(n int) *big.Rat {
	r, _ := new(big.Rat).SetString("1e" + strconv.Itoa(n))
	return r
}

// modelText writes the canonical form.
func modelText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case *big.Rat:
		return modelNumber(v)
	case string:
		return modelString(v)
	case []any:
		parts := make([]string, len(v))
		for i, each := range v {
			parts[i] = modelText(each)
		}
		return "[" + strings.Join(parts, ",") + "]"
	default:
		object, _ := v.(map[string]any)
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(object)) {
			parts = append(parts, modelString(name)+":"+modelText(object[name]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
}

// modelNumber follows the steps of ECMA-262's Number::toString with its k, n and s.
func modelNumber(r *big.Rat) string {
	if r.Sign() == 0 {
		return "0"
	}
	places, _ := r.FloatPrec()
	digits := new(big.Rat).Abs(r).FloatString(places)
	whole, fraction, _ := strings.Cut(digits, ".")
	n := len(whole)
	s := whole + fraction
	n -= len(s) - len(strings.TrimLeft(s, "0"))
	s = strings.Trim(s, "0")
	k := len(s)
	sign := ""
	if r.Sign() < 0 {
		sign = "-"
	}
	switch {
	case k <= n && n <= 21:
		return sign + s + strings.Repeat("0", n-k)
	case 0 < n && n <= 21:
		return sign + s[:n] + "." + s[n:]
	case -6 < n && n <= 0:
		return sign + "0." + strings.Repeat("0", -n) + s
	}
	exp := strconv.Itoa(n - 1)
	if n > 0 {
		exp = "+" + exp
	}
	if k == 1 {
		return sign + s + "e" + exp
	}
	return sign + s[:1] + "." + s[1:] + "e" + exp
}

func modelString(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(modelEscape(r))
	}
	return `"` + b.String() + `"`
}

func modelEscape(r rune) string {
	if i := strings.IndexRune("\"\\\b\f\n\r\t", r); i >= 0 {
		return `\` + string(`"\bfnrt`[i])
	}
	if r < ' ' {
		return `\u00` + string("01"[r>>4]) + string("0123456789abcdef"[r&15])
	}
	return string(r)
}

// modelCompare is the total order.
func modelCompare(a, b any) int {
	if c := cmp.Compare(modelRank(a), modelRank(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case *big.Rat:
		return a.Cmp(b.(*big.Rat))
	case string:
		return strings.Compare(a, b.(string))
	case []any:
		return slices.CompareFunc(a, b.([]any), modelCompare)
	case map[string]any:
		other := b.(map[string]any)
		namesA, namesB := slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(other))
		for i := range min(len(namesA), len(namesB)) {
			c := cmp.Or(strings.Compare(namesA[i], namesB[i]), modelCompare(a[namesA[i]], other[namesB[i]]))
			if c != 0 {
				return c
			}
		}
		return cmp.Compare(len(namesA), len(namesB))
	default:
		return 0
	}
}

func modelRank(v any) int {
	switch v := v.(type) {
	case nil:
		return 1
	case bool:
		if v {
			return 3
		}
		return 2
	case *big.Rat:
		return 4
	case string:
		return 5
	case []any:
		return 6
	default:
		return 7
	}
}
