package store

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Longest names, in bytes.
const (
	MaxTableBytes = 128
	MaxKeyBytes   = 1024
)

// SystemPrefix begins the names of the tables larder keeps for itself.
const SystemPrefix = "_"

// Ref names one entry.
type Ref struct {
	Table string
	Key   string
}

// String gives table and key for errors and logs of the operator's own
// making; it is not a form that can be parsed.
func (r Ref) String() string { return r.Table + "/" + r.Key }

// Validate refuses a name that breaks a rule with InvalidTable or InvalidKey.
func (r Ref) Validate() error {
	if err := ValidateTable(r.Table); err != nil {
		return err
	}
	return ValidateKey(r.Key)
}

// IsSystem says whether a table is larder's own.
func IsSystem(table string) bool { return strings.HasPrefix(table, SystemPrefix) }

// ValidateTable holds a table's name to [A-Za-z0-9][A-Za-z0-9_.-]{0,127}; a
// system table has a leading "_" before that. The error is InvalidTable.
func ValidateTable(name string) error {
	rest := strings.TrimPrefix(name, SystemPrefix)
	switch {
	case rest == "":
		return invalid(InvalidTable, "table", "a table's name has 1 to 128 characters")
	case len(name) > MaxTableBytes:
		return invalid(InvalidTable, "table", "a table's name has at most 128 characters, this one has %d", len(name))
	case !isAlphanumeric(rest[0]):
		return invalid(InvalidTable, "table", "a table's name starts with a letter or a digit")
	}
	for i := range len(rest) {
		if c := rest[i]; !isAlphanumeric(c) && c != '_' && c != '.' && c != '-' {
			return invalid(InvalidTable, "table", "a table's name has only A-Z, a-z, 0-9, '_', '.' and '-'")
		}
	}
	return nil
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// ValidateKey holds a key to 1 to 1,024 bytes of UTF-8 without control
// characters, "." and ".." excluded, since no client sends those two as they
// are in a path. The error is InvalidKey.
func ValidateKey(key string) error {
	switch key {
	case "":
		return invalid(InvalidKey, "key", "a key has 1 to 1024 bytes, this one is empty")
	case ".", "..":
		return invalid(InvalidKey, "key", "%q is not a key: clients and proxies rewrite it in a path", key)
	}
	return validateBound(InvalidKey, "key", key)
}

// validateBound checks what a key, and each bound of a range of keys, may be.
func validateBound(code Code, field, s string) error {
	if len(s) > MaxKeyBytes {
		return invalid(code, field, "%s has at most %d bytes, this one has %d", field, MaxKeyBytes, len(s))
	}
	return validateText(code, field, s)
}

// validateText refuses what is not UTF-8 and control characters.
func validateText(code Code, field, s string) error {
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				return invalid(code, field, "%s is UTF-8, byte %d of this one is not", field, i)
			}
			if unicode.IsControl(r) {
				return invalid(code, field, "%s has no control characters, this one has U+%04X at byte %d", field, r, i)
			}
			i += size
			continue
		}
		if c < 0x20 || c == 0x7f {
			return invalid(code, field, "%s has no control characters, this one has U+%04X at byte %d", field, c, i)
		}
		i++
	}
	return nil
}

func invalid(code Code, field, format string, args ...any) *Error {
	return &Error{Code: code, Field: field, Detail: fmt.Sprintf(format, args...)}
}
