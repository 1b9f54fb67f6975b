package store

// Bounds of an entry's metadata.
const (
	MaxMetadataPairs = 64
	MaxMetadataBytes = 8 << 10 // names and values together
)

// ValidateMetadata holds names to what a dictionary structured field can carry
// as a key (RFC 9651, section 3.2), and values to UTF-8 without control
// characters. The error is InvalidMetadata.
func ValidateMetadata(pairs map[string]string) error {
	if len(pairs) > MaxMetadataPairs {
		return invalid(InvalidMetadata, "metadata", "metadata has at most %d pairs, this has %d", MaxMetadataPairs, len(pairs))
	}
	size := 0
	for name, text := range pairs {
		size += len(name) + len(text)
		if size > MaxMetadataBytes {
			return invalid(InvalidMetadata, "metadata", "metadata has at most %d bytes, names and values together", MaxMetadataBytes)
		}
		if !isMetadataName(name) {
			return invalid(InvalidMetadata, "metadata", "%.64q is no name: one starts with a-z or '*' and goes on with a-z, 0-9, '_', '-', '.' and '*'", name)
		}
		if err := validateText(InvalidMetadata, "metadata", text); err != nil {
			return err
		}
	}
	return nil
}

func isMetadataName(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z' || c == '*':
		case i > 0 && ('0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return name != ""
}
