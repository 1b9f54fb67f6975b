package catalog

import (
	"encoding/json"
	"fmt"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// Settings are a table's own rules; the zero value has none.
type Settings struct {
	DefaultTTL           time.Duration // of entries written without a ttl, whole seconds; 0: they stay
	RequirePreconditions bool          // a put, patch or delete without one is refused
}

// settingsJSON is the form they are stored in.
type settingsJSON struct {
	DefaultTTLSeconds    int64 `json:"default_ttl_seconds,omitempty"`
	RequirePreconditions bool  `json:"require_preconditions,omitempty"`
}

// Validate holds the default ttl to what an entry's can be; the error is
// InvalidTTL.
func (s Settings) Validate() error {
	if s.DefaultTTL == 0 {
		return nil
	}
	if s.DefaultTTL < time.Second || s.DefaultTTL > store.MaxTTL || s.DefaultTTL%time.Second != 0 {
		return &store.Error{
			Code: store.InvalidTTL, Field: "default_ttl_seconds",
			Detail: "a default ttl is a whole number of seconds from 1 to ten years",
		}
	}
	return nil
}

func (s Settings) value() (value.Value, error) {
	text, err := json.Marshal(settingsJSON{
		DefaultTTLSeconds:    int64(s.DefaultTTL / time.Second),
		RequirePreconditions: s.RequirePreconditions,
	})
	if err != nil {
		return value.Value{}, err
	}
	return value.Parse(text, value.Limits{})
}

func parseSettings(e store.Entry) (Settings, error) {
	if !e.Exists() {
		return Settings{}, nil
	}
	var form settingsJSON
	if err := json.Unmarshal(e.Value.Data, &form); err != nil {
		return Settings{}, fmt.Errorf("settings of table %s: %w", e.Key, err)
	}
	return Settings{
		DefaultTTL:           time.Duration(form.DefaultTTLSeconds) * time.Second,
		RequirePreconditions: form.RequirePreconditions,
	}, nil
}

// prepare applies the settings to one operation. An increment needs no
// precondition: it can't overwrite what its sender has not seen.
func (s Settings) prepare(op *store.Op) *store.Error {
	if !op.Kind.Writes() {
		return nil
	}
	op.DefaultTTL = s.DefaultTTL
	overwrites := op.Kind == store.Put || op.Kind == store.Patch || op.Kind == store.Delete
	if s.RequirePreconditions && overwrites && op.If.IsZero() {
		return &store.Error{
			Code: store.PreconditionRequired, Ref: op.Ref, Field: "precondition",
			Detail: "this table takes writes with a precondition only: If-Match with the version you have seen, or If-None-Match: * for a new entry",
		}
	}
	return nil
}
