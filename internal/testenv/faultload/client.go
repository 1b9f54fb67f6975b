package faultload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// How many keys of a kind a group has.
const (
	counters  = 4
	accounts  = 6
	registers = 8
)

// client is one of those who write.
type client struct {
	*Load
	number, count int
	random        *rand.Rand
}

func (c *client) run() {
	for c.until.Err() == nil {
		c.count++
		switch err := c.step(); {
		case err == nil:
			c.acknowledged.Add(1)
			c.pause(thought)
		case failed(err):
			c.refused.Add(1)
			c.rest(err)
		}
	}
}

// How long a client pauses at most between two requests, so that a test that waits does
// not fill the store: after one that was answered, and after one that was refused, as
// whoever heeds Retry-After.
const (
	thought = 8 * time.Millisecond
	retry   = 20 * time.Millisecond
)

func (c *client) pause(most time.Duration) {
	timer := time.NewTimer(time.Duration(c.random.Int64N(int64(most))))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.until.Done():
	}
}

// failed says whether it was not the state of an entry that the write came to
// nothing by.
func failed(err error) bool {
	switch store.CodeOf(err) {
	case store.VersionMismatch, store.AlreadyExists, store.NotFound:
		return false
	}
	return true
}

// rest waits until the client goes on.
func (c *client) rest(err error) {
	if goOn := c.halted(); goOn != nil {
		c.waiting.Add(1)
		defer c.waiting.Add(-1)
		select {
		case <-goOn:
		case <-c.until.Done():
		}
		return
	}
	if store.CodeOf(err).Retryable() {
		c.pause(retry)
	}
}

func (c *client) step() error {
	group := c.options.Groups[c.random.IntN(len(c.options.Groups))]
	switch n := c.random.IntN(16); {
	case n < 4:
		return c.fresh(group, 1)
	case n < 5:
		return c.fresh(group, 3)
	case n < 8:
		return c.add(group)
	case n < 10:
		return c.move(group)
	case n < 12:
		return c.write(group, store.Put)
	case n < 13:
		return c.write(group, store.Delete)
	default:
		return c.swap(group)
	}
}

// own is a key that no other client uses.
func (c *client) own(group, kind string) string {
	return fmt.Sprintf("%s/%d/%d", keyOf(group, kind), c.number, c.count)
}

func (c *client) shared(group, kind string, of int) string {
	return keyOf(group, kind) + "/" + strconv.Itoa(c.random.IntN(of))
}

func keyOf(group, kind string) string { return "{" + group + "}" + kind }

func (c *client) asking() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(c.until), c.options.Patience)
}

func (c *client) apply(ops ...store.Op) ([]store.Result, error) {
	ctx, cancel := c.asking()
	defer cancel()
	return c.store.Apply(ctx, store.Batch{Ops: ops})
}

func put(key, text string) store.Op {
	return store.Op{Kind: store.Put, Ref: ref(key), Value: value.MustParse(strconv.Quote(text))}
}

// plus adds to a number, and makes it. Now and then the sum is held to a bound that it
// never meets, which some stores go about in another way.
func (c *client) plus(key string, delta int64) store.Op {
	step := store.Step{Delta: strconv.AppendInt(nil, delta, 10), Initial: []byte("0")}
	if c.random.IntN(3) == 0 {
		step.Min = []byte("-1000000000")
	}
	return store.Op{Kind: store.Increment, Ref: ref(key), Increment: step}
}

// fresh puts new keys, all in one batch.
func (c *client) fresh(group string, n int) error {
	keys, ops := make([]string, n), make([]store.Op, n)
	for i := range n {
		keys[i] = c.own(group, "fresh") + "/" + strconv.Itoa(i)
		ops[i] = put(keys[i], keys[i])
	}
	results, err := c.apply(ops...)
	c.book.wrote(keys, results, err)
	return err
}

// add counts by one on a key that all share.
func (c *client) add(group string) error {
	key := c.shared(group, "counter", counters)
	results, err := c.apply(c.plus(key, 1))
	c.book.counted(key, results, err)
	return err
}

// move moves an amount from one account to another, and leaves a receipt.
func (c *client) move(group string) error {
	from := c.random.IntN(accounts)
	to := (from + 1 + c.random.IntN(accounts-1)) % accounts
	m := &move{
		from: keyOf(group, "account") + "/" + strconv.Itoa(from), to: keyOf(group, "account") + "/" + strconv.Itoa(to),
		amount: 1 + c.random.Int64N(100),
	}
	receipt := put(c.own(group, "receipt"), "moved")
	receipt.If.Absent = true
	_, err := c.apply(c.plus(m.from, -m.amount), c.plus(m.to, m.amount), receipt)
	c.book.moved(receipt.Ref.Key, m, err)
	return err
}

// write puts or deletes an entry that all share, whatever is there.
func (c *client) write(group string, kind store.Kind) error {
	w := &attempt{key: c.shared(group, "register", registers), deletes: kind == store.Delete}
	op := store.Op{Kind: kind, Ref: ref(w.key)}
	if !w.deletes {
		op = c.unlike(w)
	}
	return c.attempt(w, op)
}

// unlike is a put of a value that no other has.
func (c *client) unlike(w *attempt) store.Op {
	w.value = fmt.Sprintf("%d/%d", c.number, c.count)
	return put(w.key, w.value)
}

// swap reads an entry that all share, and puts another in its place if it still
// stands.
func (c *client) swap(group string) error {
	w := &attempt{key: c.shared(group, "register", registers), swaps: true}
	least := c.book.newest(w.key)
	ctx, cancel := c.asking()
	defer cancel()
	read, err := c.store.Get(ctx, []store.Ref{ref(w.key)})
	if err != nil {
		c.book.answered(err)
		return err
	}
	e := read.Entries[0]
	c.book.saw(e, least)
	op := c.unlike(w)
	if e.Exists() {
		w.base, op.If = e.Version, store.IfVersion(e.Version)
	} else {
		op.If.Absent = true
	}
	return c.attempt(w, op)
}

func (c *client) attempt(w *attempt, op store.Op) error {
	c.book.begin(w)
	results, err := c.apply(op)
	c.book.ended(w, results, err)
	return err
}
