package transfer

import "sync"

// progress knows what has been done, and which lines still wait for it.
type progress struct {
	mu   sync.Mutex
	open map[int]struct{} // the first line of every batch that is not done
	sums Imported
}

// begin notes that from this line on a batch is not done.
func (p *progress) begin(line int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[line] = struct{}{}
}

// advance notes that the batch which began at a line is done up to another.
func (p *progress) advance(from, to int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, from)
	p.open[to] = struct{}{}
}

// done notes that the batch which began at a line is done.
func (p *progress) done(line int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, line)
}

func (p *progress) count(add func(*Imported)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	add(&p.sums)
}

// summary is what was done; next is the first line that was never taken.
func (p *progress) summary(next int) Imported {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sums
	s.Next = next
	for line := range p.open {
		s.Next = min(s.Next, line)
	}
	return s
}
