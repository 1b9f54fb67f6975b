package transfer

import (
	"strconv"
	"testing"
)

func TestSeenForgetsNothing(t *testing.T) {
	s := newSeen()
	const many = 200_000
	for i := range many {
		s.add("key-" + strconv.Itoa(i))
	}
	mistaken := 0
	for i := range many {
		if !s.has("key-" + strconv.Itoa(i)) {
			t.Fatalf("key %d is forgotten", i)
		}
		if s.has("other-" + strconv.Itoa(i)) {
			mistaken++
		}
	}
	if mistaken > many/10_000 {
		t.Errorf("%d of %d keys are taken for seen", mistaken, many)
	}
}
