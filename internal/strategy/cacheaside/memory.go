package cacheaside

import (
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"larder/internal/store"
)

// memory keeps copies in this process, those that are read most (W-TinyLFU: Einziger,
// Friedman and Manes 2017), within a number of bytes.
type memory struct {
	copies *otter.Cache[store.Ref, *kept]
}

// kept is a copy with what answers from it share.
type kept struct {
	entries [1]store.Entry // as a Read has them
	horizon store.Horizon
	epoch   uint64
	shown   store.Shown

	// unshared says that the cache has not been given it: it was read once, without a
	// lease. Whoever reads it again sees to that.
	unshared atomic.Bool
}

func (k *kept) entry() *store.Entry { return &k.entries[0] }

// copied is the copy by itself.
func (k *kept) copied() *store.Copy {
	return &store.Copy{Entry: k.entries[0], Horizon: k.horizon, Epoch: k.epoch}
}

// read is an answer from the copy. It allocates nothing.
func (k *kept) read(age time.Duration) store.Read {
	return store.Read{Entries: k.entries[:], Horizon: k.horizon, Source: store.Source{Copy: memoryName, Age: age, Shown: &k.shown}}
}

// copyOverhead is about what a copy takes beside its texts and bytes.
const copyOverhead = 480

func newMemory(maxBytes int) (*memory, error) {
	copies, err := otter.New(&otter.Options[store.Ref, *kept]{
		MaximumWeight: uint64(maxBytes),
		Weigher:       func(_ store.Ref, k *kept) uint32 { return weigh(k.entry()) },
	})
	if err != nil {
		return nil, err
	}
	return &memory{copies}, nil
}

func weigh(e *store.Entry) uint32 {
	n := copyOverhead + len(e.Key) + len(e.Table) + len(e.Value.Data)
	for name, text := range e.Metadata {
		n += len(name) + len(text) + 32
	}
	return uint32(n)
}

func (m *memory) get(ref store.Ref) (*kept, bool) {
	if m == nil {
		return nil, false
	}
	return m.copies.GetIfPresent(ref)
}

// keep keeps a copy unless what is there is newer. unshared says that the cache has not
// been given it.
func (m *memory) keep(c *store.Copy, unshared bool) {
	if m == nil {
		return
	}
	m.copies.Compute(c.Entry.Ref, func(old *kept, found bool) (*kept, otter.ComputeOp) {
		if found && !supersedes(c, old) {
			return old, otter.CancelOp
		}
		k := &kept{entries: [1]store.Entry{c.Entry}, horizon: c.Horizon, epoch: c.Epoch}
		k.unshared.Store(unshared)
		return k, otter.WriteOp
	})
}

// supersedes says whether a copy takes the place of another.
func supersedes(c *store.Copy, old *kept) bool {
	if c.Epoch != old.epoch {
		return true // which is the older is not known; a wrong one is not served
	}
	if e := old.entry(); c.Entry.Version != e.Version {
		return c.Entry.Version > e.Version
	}
	return c.Horizon > old.horizon
}

// clear loses all copies.
func (m *memory) clear() {
	if m != nil {
		m.copies.InvalidateAll()
	}
}

// close ends what the memory does in the background.
func (m *memory) close() {
	if m != nil {
		m.copies.InvalidateAll()
		m.copies.StopAllGoroutines()
	}
}

// bytes is about how much is kept.
func (m *memory) bytes() uint64 {
	if m == nil {
		return 0
	}
	return m.copies.WeightedSize()
}
