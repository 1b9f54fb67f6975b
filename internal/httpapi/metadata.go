package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/dunglas/httpsfv"

	"larder/internal/store"
)

const metadataHeader = "Larder-Metadata"

// parseMetadata reads the Larder-Metadata header: a dictionary structured
// field (RFC 9651) whose members are strings, display strings, or, for the
// sake of hands on a keyboard, tokens and integers.
func parseMetadata(h http.Header) (map[string]string, error) {
	lines := h[metadataHeader]
	if len(lines) == 0 {
		return nil, nil
	}
	dictionary, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil {
		return nil, invalidMetadata(`Larder-Metadata is a dictionary such as tier="gold", note="x"`)
	}
	pairs := make(map[string]string, len(dictionary.Names()))
	for _, name := range dictionary.Names() {
		member, _ := dictionary.Get(name)
		item, ok := member.(httpsfv.Item)
		if !ok || len(item.Params.Names()) > 0 {
			return nil, invalidMetadata(fmt.Sprintf("%s: a member is a string, without parameters", name))
		}
		switch v := item.Value.(type) {
		case string:
			pairs[name] = v
		case httpsfv.DisplayString:
			pairs[name] = string(v)
		case httpsfv.Token:
			pairs[name] = string(v)
		case int64:
			pairs[name] = strconv.FormatInt(v, 10)
		default:
			return nil, invalidMetadata(fmt.Sprintf(`%s: a member is a string, such as %s="gold"`, name, name))
		}
	}
	if err := store.ValidateMetadata(pairs); err != nil {
		return nil, inHeader(metadataHeader, store.AsError(err))
	}
	return pairs, nil
}

func invalidMetadata(detail string) error {
	return inHeader(metadataHeader, &store.Error{Code: store.InvalidMetadata, Detail: detail})
}

// formatMetadata is the header's text; a value outside ASCII goes as a display
// string.
func formatMetadata(pairs map[string]string) (string, error) {
	dictionary := httpsfv.NewDictionary()
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		text := pairs[name]
		if isPrintableASCII(text) {
			dictionary.Add(name, httpsfv.NewItem(text))
		} else {
			dictionary.Add(name, httpsfv.NewItem(httpsfv.DisplayString(text)))
		}
	}
	return httpsfv.Marshal(dictionary)
}

func isPrintableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
