package httpapi

import (
	"math/rand/v2"
	"net/http"
)

const maxRequestIDBytes = 128

// requestID is the id that the client sent, if it is 1 to 128 printable ASCII
// characters, else a new one. Ids are for finding, not for guarding: they need
// not be hard to guess.
func requestID(h http.Header) string {
	if sent := h["X-Request-Id"]; len(sent) == 1 && isRequestID(sent[0]) {
		return sent[0]
	}
	const digits = "0123456789abcdefghijklmnopqrstuv"
	var id [24]byte
	for i := 0; i < len(id); i += 12 {
		for n, bits := i, rand.Uint64(); n < i+12; n++ {
			id[n] = digits[bits&31]
			bits >>= 5
		}
	}
	return string(id[:])
}

func isRequestID(id string) bool {
	if id == "" || len(id) > maxRequestIDBytes {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}
