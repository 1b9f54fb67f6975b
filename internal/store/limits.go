package store

import (
	"cmp"

	"larder/internal/value"
)

// Limits bound what one request can ask of a Store. A zero field means the
// default.
type Limits struct {
	MaxValueBytes int // of canonical JSON or of opaque bytes; 1 MiB
	MaxDepth      int // of nested arrays and objects; 128
	MaxOperations int // in one batch; 1,000
	MaxPage       int // entries in one page of a scan, a query, a feed; 1,000
	ScanBudget    int // entries a query may look at without an index; 250,000
}

// WithDefaults fills the zero fields.
func (l Limits) WithDefaults() Limits {
	return Limits{
		MaxValueBytes: cmp.Or(l.MaxValueBytes, 1<<20),
		MaxDepth:      cmp.Or(l.MaxDepth, 128),
		MaxOperations: cmp.Or(l.MaxOperations, 1000),
		MaxPage:       cmp.Or(l.MaxPage, 1000),
		ScanBudget:    cmp.Or(l.ScanBudget, 250_000),
	}
}

// Values are the limits that package value asks for.
func (l Limits) Values() value.Limits {
	return value.Limits{MaxBytes: l.MaxValueBytes, MaxDepth: l.MaxDepth}
}
