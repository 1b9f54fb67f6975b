package pgstore

import (
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// TestInstallUnderAUniqueIndex takes over swapped values, and refuses what two
// entries would share, leaving everything as it was.
func TestInstallUnderAUniqueIndex(t *testing.T) {
	s := open(t)
	s.unique("email", stringField("email"))
	s.apply(put("a", `{"email":"x"}`), put("b", `{"email":"y"}`), put("c", `{"email":"z"}`))
	now := time.Now().UTC().Truncate(time.Microsecond)
	foreign := func(key, text string, version int64) store.Entry {
		return store.Entry{Ref: ref(key), Version: version, CreatedAt: now, UpdatedAt: now, Value: value.MustParse(text)}
	}
	swapped := []store.Entry{foreign("a", `{"email":"y"}`, 5), foreign("b", `{"email":"x"}`, 5), foreign("c", `{"email":"old"}`, 1)}
	if err := s.Install(t.Context(), swapped); err != nil {
		t.Fatal(err)
	}
	s.holds("a", `{"email":"y"}`)
	s.holds("b", `{"email":"x"}`)
	s.holds("c", `{"email":"z"}`) // which is not older
	err := s.Install(t.Context(), []store.Entry{foreign("a", `{"email":"w"}`, 6), foreign("d", `{"email":"z"}`, 1)})
	fails(t, "what another entry holds", err, store.UniqueViolation)
	s.holds("a", `{"email":"y"}`)
	gone := foreign("c", `null`, 7)
	gone.Value, gone.CreatedAt, gone.Deleted = value.Value{}, time.Time{}, true
	if err := s.Install(t.Context(), []store.Entry{foreign("d", `{"email":"z"}`, 1), gone}); err != nil {
		t.Fatal(err)
	}
	s.holds("d", `{"email":"z"}`)
}
