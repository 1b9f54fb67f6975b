package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"larder/api"
	"larder/internal/store"
)

func tooLargeDetail(limit int64) string {
	return "at most " + strconv.FormatInt(limit, 10) + " bytes are taken here"
}

// parseQuery reads a query string strictly: what Go's own reading of it drops
// in silence is an error.
func parseQuery(raw string) (url.Values, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, &store.Error{Code: invalidParameterCode, Detail: "the query string is not well formed; a \"%\" is written %25, a \";\" %3B", Err: err}
	}
	for name := range values {
		if !utf8.ValidString(name) {
			return nil, &store.Error{Code: invalidParameterCode, Detail: "parameters have names in UTF-8, percent-encoded"}
		}
	}
	return values, nil
}

// parameterError is what the generated code found wrong with a parameter.
func parameterError(err error) error {
	if e, ok := errors.AsType[*api.InvalidParamFormatError](err); ok {
		if isHeaderName(e.ParamName) {
			return invalidHeader(e.ParamName, "%s can't be read", e.ParamName)
		}
		return invalidParameter(e.ParamName, "%s can't be read: %s", e.ParamName, parameterForm(e.ParamName))
	}
	if e, ok := errors.AsType[*api.RequiredParamError](err); ok {
		if e.ParamName == "confirm" {
			return inParameter("confirm", &store.Error{Code: confirmationRequired, Detail: "confirm names the table once more"})
		}
		return invalidParameter(e.ParamName, "%s is required", e.ParamName)
	}
	if e, ok := errors.AsType[*api.TooManyValuesForParamError](err); ok {
		if isHeaderName(e.ParamName) {
			return invalidHeader(e.ParamName, "%s is given once", e.ParamName)
		}
		return invalidParameter(e.ParamName, "%s is given once", e.ParamName)
	}
	return &store.Error{Code: invalidParameterCode, Detail: "a parameter can't be read", Err: err}
}

// isHeaderName tells headers, which begin with a capital, from parameters.
func isHeaderName(name string) bool { return 'A' <= name[0] && name[0] <= 'Z' }

// parameterForm says what would be right.
func parameterForm(name string) string {
	switch name {
	case "ttl_seconds", "limit", "max_affected":
		return "it is an integer"
	case "expires_at", "modified_since", "expiring_before":
		return "it is a time as RFC 3339 has it, such as 2026-01-02T03:04:05Z"
	case "keep_ttl", "reverse", "keys_only", "dry_run":
		return "it is true or false"
	}
	return "it is UTF-8, percent-encoded"
}

// listHeaders can be sent in several lines, which mean the same as one.
var listHeaders = []string{"If-Match", "If-None-Match", "Prefer", "Cache-Control", metadataHeader}

// joinLines makes one line of those; generated code expects that.
func joinLines(h http.Header) {
	for _, name := range listHeaders {
		if lines := h[name]; len(lines) > 1 {
			h[name] = []string{strings.Join(lines, ", ")}
		}
	}
}
