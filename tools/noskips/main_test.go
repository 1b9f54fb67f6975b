package main

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	const (
		pass  = `{"Action":"pass","Package":"larder/internal/value","Test":"TestOrder"}` + "\n"
		skip  = `{"Action":"skip","Package":"larder/internal/value","Test":"TestOrder/big"}` + "\n"
		empty = `{"Action":"skip","Package":"larder/api","Elapsed":0}` + "\n"
	)
	for _, c := range []struct {
		name, events, want string
	}{
		{"passed", pass + empty, ""},
		{"skipped", pass + skip, "larder/internal/value TestOrder/big was skipped"},
		{"none ran", empty, "no test passed"},
		{"no events", "", "no test passed"},
		{"not events", "PASS\n", "not a stream of test events"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := check(strings.NewReader(c.events))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
