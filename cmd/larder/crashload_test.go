package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"larder/api"
)

// The tables, and how many keys they have.
const (
	registers, registerKeys = "registers", 32 // put, swapped, deleted, made again
	counters, counterKeys   = "counters", 4   // each write adds 1, so that value and version agree
	accounts, accountKeys   = "accounts", 6   // atomic batches move amounts from one to another
	receipts                = "receipts"      // and write one of these for each
	sessions                = "sessions"      // live for some seconds
)

const clients = 16

// load is what the clients do until the server is killed.
type load struct {
	client *api.ClientWithResponses
	book   *ledger
	seed   uint64
	round  int

	maintenance api.MaintenanceAction // that the store knows

	acknowledged atomic.Int64
	killAfter    int64
	enough       chan struct{} // closed at that many
}

// run lets the clients work, and kills the server when it is time. A client
// ends at its first request without an answer.
func (l *load) run(kill func()) {
	var working sync.WaitGroup
	for number := range clients {
		c := &loadClient{load: l, number: number, random: rand.New(rand.NewPCG(l.seed, uint64(number)))}
		working.Go(c.work)
	}
	idle := make(chan struct{})
	go func() {
		working.Wait()
		close(idle)
	}()
	select {
	case <-l.enough:
	case <-idle: // something is wrong, and the ledger knows what
	}
	kill()
	<-idle
}

type loadClient struct {
	*load
	number int
	random *rand.Rand
	count  int
}

func (c *loadClient) work() {
	for c.step(context.Background()) {
		c.count++
	}
}

// step does one thing and says whether it was answered.
func (c *loadClient) step(ctx context.Context) bool {
	switch n := c.random.IntN(200); {
	case n == 0:
		return c.maintain(ctx)
	case n < 50:
		return c.put(ctx, false)
	case n < 60:
		return c.put(ctx, true)
	case n < 85:
		return c.swap(ctx)
	case n < 105:
		return c.remove(ctx)
	case n < 145:
		return c.add(ctx)
	case n < 185:
		return c.transfer(ctx)
	default:
		return c.openSession(ctx)
	}
}

// id names what this client writes now, and nothing else ever.
func (c *loadClient) id() string { return fmt.Sprintf("%d-%d-%d", c.round, c.number, c.count) }

// value is a canonical document of up to some pages of the file.
func (c *loadClient) value() string {
	return fmt.Sprintf(`{"by":%d,"id":%q,"padding":%q}`, c.number, c.id(), strings.Repeat("x", c.random.IntN(1<<c.random.IntN(14))))
}

func (c *loadClient) register() place {
	return place{registers, "register/" + strconv.Itoa(c.random.IntN(registerKeys))}
}

// acked counts an acknowledged write.
func (c *loadClient) acked() bool {
	if c.acknowledged.Add(1) == c.killAfter {
		close(c.enough)
	}
	return true
}

func (c *loadClient) put(ctx context.Context, onlyNew bool) bool {
	a := &attempt{place: c.register(), outcome: outcome{value: c.value()}}
	params := &api.PutKeyParams{}
	if onlyNew {
		params.IfNoneMatch = new("*")
	}
	return c.write(ctx, a, params)
}

// swap reads and replaces what it read.
func (c *loadClient) swap(ctx context.Context) bool {
	at := c.register()
	least := c.book.newest(at)
	got, err := c.client.GetEntryWithResponse(ctx, at.table, at.key, nil)
	if err != nil {
		return false
	}
	if got.JSON200 == nil {
		return c.expect(at, got.StatusCode(), got.Body, http.StatusNotFound)
	}
	c.book.saw(at, got.JSON200.Version, outcome{value: string(got.JSON200.Value)}, least)
	a := &attempt{place: at, outcome: outcome{value: c.value()}, base: got.JSON200.Version}
	return c.write(ctx, a, &api.PutKeyParams{IfMatch: new(fmt.Sprintf(`"%d"`, a.base))})
}

func (c *loadClient) write(ctx context.Context, a *attempt, params *api.PutKeyParams) bool {
	c.book.begin(a)
	put, err := c.client.PutKeyWithResponse(ctx, a.table, a.key, params, json.RawMessage(a.value))
	if err != nil {
		return false
	}
	switch written := put.JSON200; {
	case put.JSON201 != nil:
		c.book.acknowledged(a, put.JSON201.Version, a.outcome)
	case written != nil:
		c.book.acknowledged(a, written.Version, a.outcome)
	default:
		c.book.refused(a)
		return c.expect(a.place, put.StatusCode(), put.Body, http.StatusPreconditionFailed)
	}
	return c.acked()
}

func (c *loadClient) remove(ctx context.Context) bool {
	a := &attempt{place: c.register(), outcome: outcome{deleted: true}}
	c.book.begin(a)
	removed, err := c.client.DeleteKeyWithResponse(ctx, a.table, a.key, nil)
	if err != nil {
		return false
	}
	if removed.StatusCode() != http.StatusNoContent {
		c.book.refused(a)
		return c.expect(a.place, removed.StatusCode(), removed.Body)
	}
	header := removed.HTTPResponse.Header.Get("Larder-Version")
	if header == "" { // there never was an entry
		c.book.refused(a)
		return true
	}
	version, err := strconv.ParseInt(header, 10, 64)
	if err != nil {
		c.book.fault("%v: %v", a.place, err)
	}
	c.book.acknowledged(a, version, a.outcome)
	return c.acked()
}

// add counts by one.
func (c *loadClient) add(ctx context.Context) bool {
	a := &attempt{place: place{counters, strconv.Itoa(c.random.IntN(counterKeys))}, counts: true}
	c.book.begin(a)
	added, err := c.client.IncrementKeyWithResponse(ctx, a.table, a.key, nil,
		api.IncrementRequest{Delta: api.Number("1"), Initial: api.Number("0")})
	if err != nil {
		return false
	}
	if added.JSON200 == nil {
		c.book.refused(a)
		return c.expect(a.place, added.StatusCode(), added.Body)
	}
	c.book.acknowledged(a, added.JSON200.Version, outcome{value: string(added.JSON200.Value)})
	return c.acked()
}

// transfer moves an amount and writes a receipt, all or nothing.
func (c *loadClient) transfer(ctx context.Context) bool {
	from := c.random.IntN(accountKeys)
	to := (from + 1 + c.random.IntN(accountKeys-1)) % accountKeys
	r := receipt{From: strconv.Itoa(from), To: strconv.Itoa(to), Amount: 1 + c.random.Int64N(100)}
	value, err := json.Marshal(r)
	if err != nil {
		c.book.fault("%v", err)
		return false
	}
	id, amount := c.id(), strconv.FormatInt(r.Amount, 10)
	c.book.beginTransfer(id, r)
	done, err := c.client.ApplyBatchWithResponse(ctx, nil, api.BatchRequest{Atomic: true, Operations: []api.BatchOperation{
		{Op: api.BatchOpIncrement, Table: accounts, Key: r.From, Delta: api.Number("-" + amount), Initial: api.Number("0")},
		{Op: api.BatchOpIncrement, Table: accounts, Key: r.To, Delta: api.Number(amount), Initial: api.Number("0")},
		{Op: api.BatchOpPut, Table: receipts, Key: id, Value: value, IfAbsent: true},
	}})
	if err != nil {
		return false
	}
	if done.JSON200 == nil {
		return c.expect(place{receipts, id}, done.StatusCode(), done.Body)
	}
	c.book.transferred(id)
	return c.acked()
}

// openSession puts something that is soon to be cleared away.
func (c *loadClient) openSession(ctx context.Context) bool {
	ttl := 1 + c.random.Int64N(5)
	put, err := c.client.PutKeyWithResponse(ctx, sessions, c.id(), &api.PutKeyParams{TTLSeconds: &ttl}, json.RawMessage(`"`+c.id()+`"`))
	if err != nil {
		return false
	}
	if put.JSON201 == nil {
		return c.expect(place{sessions, c.id()}, put.StatusCode(), put.Body)
	}
	c.book.opened(c.id(), *put.JSON201.ExpiresAt)
	return c.acked()
}

// maintain has the store put in order while all this goes on.
func (c *loadClient) maintain(ctx context.Context) bool {
	begun, err := c.client.RunMaintenanceWithResponse(ctx, api.MaintenanceRequest{Action: c.maintenance})
	if err != nil {
		return false
	}
	return c.expect(place{}, begun.StatusCode(), begun.Body, http.StatusAccepted, http.StatusConflict)
}

// expect says whether an answer without a write is one that may be.
func (c *loadClient) expect(at place, status int, body []byte, expected ...int) bool {
	if slices.Contains(expected, status) {
		return true
	}
	c.book.fault("%v was answered %d at %s: %s", at, status, time.Now().Format(time.TimeOnly), body)
	return false
}
