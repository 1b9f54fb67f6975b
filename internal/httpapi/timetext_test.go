package httpapi

import (
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDateTextIsHTTPsOwnForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999999999).Draw(t, "nanoseconds"))
		if got, want := string(appendDate(nil, at)), at.UTC().Format(http.TimeFormat); got != want {
			t.Fatalf("appendDate gave %q, net/http writes %q", got, want)
		}
	})
}
