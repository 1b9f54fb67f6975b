package httpapi

import (
	"net/http"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

// TestAgeIsTold to who asks for a copy, and to all where it is more than a second.
func TestAgeIsTold(t *testing.T) {
	for _, tt := range []struct {
		asked bool
		copy  string
		age   time.Duration
		told  string
	}{
		{false, memoryCopies, 200 * time.Millisecond, ""},
		{false, memoryCopies, time.Second, ""},
		{false, memoryCopies, time.Second + 1, "2"},
		{false, "hot", 90 * time.Second, "90"},
		{true, memoryCopies, 200 * time.Millisecond, "1"},
		{true, "hot", 0, "0"},
		{true, "", 0, ""},
	} {
		h := http.Header{}
		a := API{store: storetest.NewModel(storetest.ModelOptions{Name: "model"})}
		a.tell(h, cacheControl{asked: tt.asked}, store.Source{Copy: tt.copy, By: "pg", Age: tt.age})
		if told := h.Get("Age"); told != tt.told {
			t.Errorf("%+v: the age that is told is %q", tt, told)
		}
	}
}
