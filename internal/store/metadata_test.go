package store_test

import (
	"fmt"
	"strings"
	"testing"

	"larder/internal/store"
)

func TestValidateMetadata(t *testing.T) {
	pairs := func(n int) map[string]string {
		m := make(map[string]string)
		for i := range n {
			m[fmt.Sprintf("n%d", i)] = "v"
		}
		return m
	}
	for name, m := range map[string]map[string]string{
		"none":            nil,
		"empty":           {},
		"all characters":  {"az09_-.*": "anything: \"é\" 🙂 \\", "*": ""},
		"as many":         pairs(64),
		"as large":        {"a": strings.Repeat("v", 8<<10-1)},
		"as large in two": {"a": strings.Repeat("v", 4<<10-1), "b": strings.Repeat("v", 4<<10-1)},
	} {
		if err := store.ValidateMetadata(m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, m := range map[string]map[string]string{
		"too many":         pairs(65),
		"too large":        {"a": strings.Repeat("v", 8<<10)},
		"too large in two": {"a": strings.Repeat("v", 4<<10-1), "b": strings.Repeat("v", 4<<10)},
		"no name":          {"": "v"},
		"upper case":       {"Tier": "v"},
		"a digit first":    {"1a": "v"},
		"a dash first":     {"-a": "v"},
		"a space":          {"a b": "v"},
		"beyond ASCII":     {"é": "v"},
		"a control":        {"a": "b\x00"},
		"a line break":     {"a": "b\nc"},
		"not UTF-8":        {"a": "\xff"},
	} {
		if e := store.AsError(store.ValidateMetadata(m)); e == nil || e.Code != store.InvalidMetadata || e.Field != "metadata" {
			t.Errorf("%s: %v", name, e)
		}
	}
}
