package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"larder/internal/store"
)

// entityTags is a parsed If-Match or If-None-Match (RFC 9110, section 13.1).
type entityTags struct {
	any      bool // "*"
	versions []int64
}

func (t entityTags) empty() bool { return !t.any && len(t.versions) == 0 }

// matches says whether the field, given that it is not empty, names the
// entry as it stands.
func (t entityTags) matches(e store.Entry) bool {
	return e.Exists() && (t.any || slices.Contains(t.versions, e.Version))
}

// parseEntityTags reads a list of entity tags. Those of larder are versions
// in quotes; others are refused rather than taken for ones that never match,
// since a client that sends them has mistaken something. Weak tags are taken
// only where a weak comparison is asked for: intermediaries make them.
func parseEntityTags(header string, lines []string, weak bool) (entityTags, error) {
	var tags entityTags
	if len(lines) == 0 {
		return tags, nil
	}
	for field := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		field = strings.Trim(field, " \t")
		if field == "" {
			continue
		}
		if field == "*" {
			tags.any = true
			continue
		}
		if weak {
			field = strings.TrimPrefix(field, "W/")
		}
		version, err := parseEntityTag(field)
		if err != nil {
			return entityTags{}, invalidHeader(header, `%s takes "*" or entity tags as larder gives them: a version in quotes, such as "7"`, header)
		}
		tags.versions = append(tags.versions, version)
	}
	if tags.empty() {
		return entityTags{}, invalidHeader(header, `%s is empty; it takes "*" or a version in quotes, such as "7"`, header)
	}
	if tags.any && len(tags.versions) > 0 {
		return entityTags{}, invalidHeader(header, `%s takes either "*" or versions, not both`, header)
	}
	return tags, nil
}

func parseEntityTag(tag string) (int64, error) {
	if len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return 0, strconv.ErrSyntax
	}
	digits := tag[1 : len(tag)-1]
	if digits[0] < '1' || digits[0] > '9' {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(digits, 10, 64)
}

// appendEntityTag writes the strong tag of a version.
func appendEntityTag(buf []byte, version int64) []byte {
	buf = append(buf, '"')
	buf = strconv.AppendInt(buf, version, 10)
	return append(buf, '"')
}

// precondition reads what a write asks for. If-Unmodified-Since is refused:
// ignoring it would lose the update it guards against, and a date in whole
// seconds can't tell two writes apart.
func precondition(h http.Header) (store.Precondition, error) {
	if h["If-Match"] == nil && h["If-None-Match"] == nil && h["If-Unmodified-Since"] == nil {
		return store.Precondition{}, nil
	}
	if h["If-Unmodified-Since"] != nil {
		return store.Precondition{}, invalidHeader("If-Unmodified-Since", "a time in seconds can't guard a write; use If-Match with the ETag")
	}
	match, err := parseEntityTags("If-Match", h["If-Match"], false)
	if err != nil {
		return store.Precondition{}, err
	}
	none, err := parseEntityTags("If-None-Match", h["If-None-Match"], false)
	if err != nil {
		return store.Precondition{}, err
	}
	if len(none.versions) > 0 {
		return store.Precondition{}, invalidHeader("If-None-Match", `on a write If-None-Match takes "*" only: write if there is no entry`)
	}
	if none.any && !match.empty() {
		return store.Precondition{}, invalidHeader("If-None-Match", "an entry can't be both absent (If-None-Match) and present (If-Match)")
	}
	return store.Precondition{Absent: none.any, Exists: match.any, Versions: match.versions}, nil
}

// readCondition is what a GET or HEAD asks for.
type readCondition struct {
	match, none entityTags
}

// readConditions reads it. If-Modified-Since is not evaluated, as section
// 13.1.3 allows: two writes within one second have the same Last-Modified, and
// a 304 for the second would be untrue.
func readConditions(h http.Header) (readCondition, error) {
	if h["If-Match"] == nil && h["If-None-Match"] == nil {
		return readCondition{}, nil
	}
	match, err := parseEntityTags("If-Match", h["If-Match"], false)
	if err != nil {
		return readCondition{}, err
	}
	none, err := parseEntityTags("If-None-Match", h["If-None-Match"], true)
	return readCondition{match: match, none: none}, err
}

// failed says that If-Match was given and does not hold.
func (c readCondition) failed(e store.Entry) error {
	if c.match.empty() || c.match.matches(e) {
		return nil
	}
	code := store.VersionMismatch
	if !e.Exists() {
		code = store.NotFound
	}
	current := e // of its own, or every entry read would be moved to the heap
	return &store.Error{
		Code: code, Ref: e.Ref, Field: "precondition", Precondition: true, Current: &current,
		Detail: "the entry is not at the version that If-Match names",
	}
}

// tooOld says that the client has seen a newer version than there is.
func tooOld(e store.Entry, minVersion *int64) error {
	if minVersion == nil || e.Version >= *minVersion {
		return nil
	}
	current := e
	return inHeader("Larder-Min-Version", &store.Error{
		Code: store.VersionMismatch, Ref: e.Ref, Precondition: true, Current: &current,
		Detail: "there is no version as new as Larder-Min-Version asks for",
	})
}

// notModified says whether the client has the entry already.
func (c readCondition) notModified(e store.Entry) bool {
	return !c.none.empty() && c.none.matches(e)
}
