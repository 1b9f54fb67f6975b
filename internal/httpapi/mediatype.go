package httpapi

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"larder/internal/store"
)

// The media types of requests and answers.
const (
	jsonType        = "application/json"
	bytesType       = "application/octet-stream"
	mergePatchType  = "application/merge-patch+json"
	jsonPatchType   = "application/json-patch+json"
	linesType       = "application/x-ndjson"
	eventStreamType = "text/event-stream"
	problemType     = "application/problem+json"
)

// contentType says which of the types, the ones the operation takes, the
// request's body has. A charset other than UTF-8, and any content coding, is
// refused along with other types.
func contentType(w http.ResponseWriter, r *http.Request, types ...string) (string, error) {
	sent := r.Header.Get("Content-Type")
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return "", inHeader("Content-Encoding", &store.Error{Code: unsupportedMediaType, Detail: "bodies are taken without content coding"})
	}
	for _, t := range types {
		if sent == t {
			return t, nil
		}
	}
	if sent == "" && r.Method == http.MethodPut {
		return types[0], nil // as curl -T sends it
	}
	parsed, params, err := mime.ParseMediaType(sent)
	if err == nil {
		charset, given := params["charset"]
		for _, t := range types {
			if parsed == t && (!given || strings.EqualFold(charset, "utf-8")) {
				return t, nil
			}
		}
	}
	accept := strings.Join(types, ", ")
	switch r.Method {
	case http.MethodPatch:
		w.Header().Set("Accept-Patch", accept)
	case http.MethodPost:
		w.Header().Set("Accept-Post", accept)
	default:
		w.Header().Set("Accept", accept)
	}
	detail := "the body's Content-Type is " + strings.Join(types, " or ")
	if parsed == "application/x-www-form-urlencoded" {
		detail += `; with curl say --json, or -H "Content-Type: ` + types[0] + `"`
	}
	return "", inHeader("Content-Type", &store.Error{Code: unsupportedMediaType, Detail: detail})
}

// acceptable picks, of the types an answer exists in, the one the client
// prefers (RFC 9110, section 12.5.1); the first of equals. The error is a 406.
func acceptable(h http.Header, types ...string) (string, error) {
	lines := h["Accept"]
	if len(lines) == 0 || len(lines) == 1 && lines[0] == "*/*" {
		return types[0], nil
	}
	ranges := parseAccept(strings.Join(lines, ","))
	if len(ranges) == 0 {
		return types[0], nil
	}
	best, bestQuality := "", 0.0
	for _, t := range types {
		if q := quality(ranges, t); q > bestQuality {
			best, bestQuality = t, q
		}
	}
	if best == "" {
		return "", inHeader("Accept", &store.Error{Code: notAcceptable, Detail: "the answer is " + strings.Join(types, " or ")})
	}
	return best, nil
}

type mediaRange struct {
	mainType, subtype string
	quality           float64
}

func parseAccept(line string) []mediaRange {
	var ranges []mediaRange
	for field := range strings.SplitSeq(line, ",") {
		parsed, params, err := mime.ParseMediaType(strings.TrimSpace(field))
		if err != nil {
			continue
		}
		mainType, subtype, ok := strings.Cut(parsed, "/")
		if !ok {
			continue
		}
		q := 1.0
		if text, given := params["q"]; given {
			if q, err = strconv.ParseFloat(text, 64); err != nil || !(q >= 0 && q <= 1) {
				q = 1
			}
		}
		ranges = append(ranges, mediaRange{mainType, subtype, q})
	}
	return ranges
}

// quality is that of the most specific range that covers the type.
func quality(ranges []mediaRange, t string) float64 {
	mainType, subtype, _ := strings.Cut(t, "/")
	specificity, q := 0, 0.0
	for _, r := range ranges {
		s := 0
		switch {
		case r.mainType == mainType && r.subtype == subtype:
			s = 3
		case r.mainType == mainType && r.subtype == "*":
			s = 2
		case r.mainType == "*" && r.subtype == "*":
			s = 1
		}
		if s > specificity {
			specificity, q = s, r.quality
		}
	}
	return q
}
