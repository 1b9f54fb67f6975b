package value

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Random edits keep the sequence right, its sums right, and the tree in balance.
func TestBranchIsASequence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []string
		for i := range rapid.IntRange(0, 300).Draw(t, "length") {
			want = append(want, strings.Repeat("[", i%7%4)+strconv.Itoa(i)+strings.Repeat("]", i%7%4))
		}
		b := build(segments([]byte("[" + strings.Join(want, ",") + "]")))
		checkBranch(t, b, want)
		for i := range rapid.IntRange(0, 60).Draw(t, "edits") {
			text := `"` + strconv.Itoa(i) + `"`
			s := single(nil, newNode([]byte(text)))
			at := rapid.IntRange(0, len(want)).Draw(t, "at")
			before := slices.Clone(want)
			old := b
			switch edit := rapid.IntRange(0, 3).Draw(t, "edit"); {
			case edit == 3:
				l, r := split(b, at)
				b = concat(r, l)
				want = slices.Concat(want[at:], want[:at])
			case edit == 0 || at == len(want):
				b = b.insert(at, s)
				want = slices.Insert(slices.Clone(want), at, text)
			case edit == 1:
				b = b.replace(at, s)
				want = slices.Clone(want)
				want[at] = text
			default:
				b = b.remove(at)
				want = slices.Delete(slices.Clone(want), at, at+1)
			}
			checkBranch(t, b, want)
			checkBranch(t, old, before)
		}
	})
}

func checkBranch(t *rapid.T, b *branch, want []string) {
	t.Helper()
	if got := string(compose(false, b).append(nil)); got != "["+strings.Join(want, ",")+"]" {
		t.Fatalf("got %s, want %q", got, want)
	}
	n := compose(false, b)
	text := n.append(nil)
	if _, height := measure(text, 0); n.size != len(text) || n.height != height || b.extent().count != len(want) {
		t.Fatalf("the sums are wrong: %+v of %q", b.extent(), want)
	}
	for _, i := range []int{0, len(want) / 2, len(want) - 1} {
		if i >= 0 && i < len(want) {
			if got := string(b.at(i).append(nil)); got != want[i] {
				t.Fatalf("at %d: %s, want %s", i, got, want[i])
			}
		}
	}
	checkBalance(t, b)
}

func checkBalance(t *rapid.T, b *branch) {
	t.Helper()
	if b == nil {
		return
	}
	if l, r := weight(b.left), weight(b.right); l > 3*r || r > 3*l {
		t.Fatalf("out of balance: %d and %d", weight(b.left), weight(b.right))
	}
	checkBalance(t, b.left)
	checkBalance(t, b.right)
}
