package strategy

import (
	"larder/internal/store"
)

// PrimaryOnly reads and writes one store, with all that this promises.
type PrimaryOnly struct {
	store.Forward
	name string
}

var _ store.Store = (*PrimaryOnly)(nil)

// PrimaryOnlyEngine is its engine's name.
const PrimaryOnlyEngine = "primary-only"

// NewPrimaryOnly makes it over a store, which closing it leaves open.
func NewPrimaryOnly(name string, primary store.Store) *PrimaryOnly {
	return &PrimaryOnly{Forward: store.Forward{Store: primary}, name: name}
}

// Info is the primary's, by the strategy's name.
func (p *PrimaryOnly) Info() store.Info {
	info := p.Store.Info()
	info.Name, info.Engine = p.name, PrimaryOnlyEngine
	return info
}

// Close leaves the primary open.
func (p *PrimaryOnly) Close() error { return nil }
