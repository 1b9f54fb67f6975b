package intercept

import "sync/atomic"

// What a budget holds at first, and at most, in tenths of a retry. The reserve lets a
// gateway that has only begun, or has little to do, try again at all.
const (
	reserve   = 10 * 10
	mostSaved = 100 * 10
)

// budget is a token bucket. Every call adds a tenth of a retry.
type budget struct{ tenths atomic.Int64 }

func (b *budget) add() { b.put(1) }

func (b *budget) giveBack() { b.put(10) }

func (b *budget) put(tenths int64) {
	for {
		held := b.tenths.Load()
		if held >= mostSaved {
			return
		}
		if b.tenths.CompareAndSwap(held, min(held+tenths, mostSaved)) {
			return
		}
	}
}

// take takes one retry, where there is one.
func (b *budget) take() bool {
	for {
		held := b.tenths.Load()
		if held < 10 {
			return false
		}
		if b.tenths.CompareAndSwap(held, held-10) {
			return true
		}
	}
}
