package main_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

type place struct{ table, key string }

// outcome is what a write leaves.
type outcome struct {
	value   string
	deleted bool
}

// attempt is a write that was sent.
type attempt struct {
	place
	outcome
	base   int64 // the version it replaces and no other; 0: whichever there is
	counts bool  // it adds 1 to whatever there is

	after int64 // the newest version known when it was sent
}

type receipt struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Amount int64  `json:"amount"`
}

// ledger knows what the server has said, and what it has been asked and has
// not answered.
type ledger struct {
	mu        sync.Mutex
	versions  map[place]map[int64]outcome // whatever was acknowledged or read
	latest    map[place]int64
	open      map[place][]*attempt // without an answer since the last kill
	transfers map[string]*transfer
	sessions  map[string]time.Time // acknowledged, by their end
	faults    []string
}

type transfer struct {
	receipt
	acknowledged bool
	settled      bool // it is known whether it happened
}

func newLedger() *ledger {
	return &ledger{
		versions: make(map[place]map[int64]outcome), latest: make(map[place]int64), open: make(map[place][]*attempt),
		transfers: make(map[string]*transfer), sessions: make(map[string]time.Time),
	}
}

func (l *ledger) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(format, args...)
}

// note is fault for who has the lock.
func (l *ledger) note(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

func (l *ledger) newest(at place) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest[at]
}

func (l *ledger) begin(a *attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.after = l.latest[a.place]
	l.open[a.place] = append(l.open[a.place], a)
}

// refused closes an attempt that wrote nothing.
func (l *ledger) refused(a *attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.close(a)
}

func (l *ledger) close(a *attempt) {
	l.open[a.place] = slices.DeleteFunc(l.open[a.place], func(o *attempt) bool { return o == a })
}

// acknowledged closes an attempt that made a version.
func (l *ledger) acknowledged(a *attempt, version int64, o outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.close(a)
	switch again := a.deleted && l.versions[a.place][version].deleted; {
	case again: // deleting what is deleted makes no version
	case version <= a.after:
		l.note("%v got version %d, and had %d before it was asked", a.place, version, a.after)
	}
	if a.base > 0 && version != a.base+1 {
		l.note("%v was swapped from version %d to %d", a.place, a.base, version)
	}
	if a.counts && o.value != strconv.FormatInt(version, 10) {
		l.note("%v counts %s at version %d", a.place, o.value, version)
	}
	l.learn(a.place, version, o)
}

// saw is for what was read, after this version was known to be there.
func (l *ledger) saw(at place, version int64, o outcome, least int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if version < least {
		l.note("%v was read at version %d after version %d", at, version, least)
	}
	l.learn(at, version, o)
}

func (l *ledger) learn(at place, version int64, o outcome) {
	if l.versions[at] == nil {
		l.versions[at] = make(map[int64]outcome)
	}
	if known, ok := l.versions[at][version]; ok && known != o {
		l.note("%v has two versions %d: %.60v and %.60v", at, version, known, o)
	}
	l.versions[at][version] = o
	l.latest[at] = max(l.latest[at], version)
}

func (l *ledger) beginTransfer(id string, r receipt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.transfers[id] = &transfer{receipt: r}
}

func (l *ledger) transferred(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.transfers[id].acknowledged = true
}

func (l *ledger) opened(id string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions[id] = until
}

// settle holds what was found after a kill against what is known, and takes it
// as known from then on. It gives all faults since the last time.
func (l *ledger) settle(found stock) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for at, e := range found.entries {
		l.settleEntry(at, e)
	}
	for at, version := range l.latest {
		if _, ok := found.entries[at]; !ok {
			l.note("%v is gone, and was at version %d", at, version)
		}
	}
	clear(l.open)
	l.settleTransfers(found)
	l.settleSessions(found)
	l.faults = append(l.faults, found.faults...)
	faults := l.faults
	l.faults = nil
	return faults
}

// settleEntry takes either the last version that is known, or one of those
// that were asked for and not answered.
func (l *ledger) settleEntry(at place, e version) {
	last, open := l.latest[at], l.open[at]
	if e.number < last {
		l.note("%v is at version %d, and was at %d", at, e.number, last)
	}
	if e.number > last {
		meant := slices.ContainsFunc(open, func(a *attempt) bool { return a.leaves(e) })
		if !meant || e.number-last > int64(len(open)) {
			l.note("%v went from version %d to %d, %.60v, with %d writes open, which explain it: %v", at, last, e.number, e.outcome, len(open), meant)
		}
	}
	l.learn(at, e.number, e.outcome)
}

// leaves says whether the attempt can have made a version.
func (a *attempt) leaves(v version) bool {
	if a.counts {
		return v.value == strconv.FormatInt(v.number, 10)
	}
	return v.outcome == a.outcome && (a.base == 0 || v.number == a.base+1)
}

// settleTransfers holds that accounts are the sum of the receipts, each
// receipt is meant, and none that was acknowledged is missing.
func (l *ledger) settleTransfers(found stock) {
	balances, moves := make(map[string]int64), make(map[string]int64)
	for id, r := range found.receipts {
		t, ok := l.transfers[id]
		switch {
		case !ok || t.receipt != r:
			l.note("receipt %s is %v, which nobody asked for", id, r)
			continue
		case t.settled && !t.acknowledged:
			l.note("transfer %s has come after all", id)
		}
		t.acknowledged = true
		balances[r.From] -= r.Amount
		balances[r.To] += r.Amount
		moves[r.From]++
		moves[r.To]++
	}
	for id, t := range l.transfers {
		t.settled = true
		if _, ok := found.receipts[id]; t.acknowledged && !ok {
			l.note("transfer %s was acknowledged and is lost", id)
		}
	}
	for account, a := range found.accounts {
		if a.balance != balances[account] || a.version != moves[account] {
			l.note("account %s has %d after %d moves, and by its receipts %d after %d", account, a.balance, a.version, balances[account], moves[account])
		}
	}
	for account := range moves {
		if _, ok := found.accounts[account]; !ok {
			l.note("account %s is gone", account)
		}
	}
}

// settleSessions holds that those are there whose time is not up.
func (l *ledger) settleSessions(found stock) {
	for id, until := range found.sessions {
		if !until.After(found.began) {
			l.note("session %s ended at %v and is listed at %v", id, until, found.began)
		}
	}
	for id, until := range l.sessions {
		if _, ok := found.sessions[id]; !ok && until.After(found.ended) {
			l.note("session %s was acknowledged until %v and is gone at %v", id, until, found.ended)
		}
	}
}
