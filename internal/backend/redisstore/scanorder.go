package redisstore

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"larder/internal/store"
)

// changeOrder is that of the sequences. Those of different shards may be the same.
type changeOrder struct {
	scan  *store.Scan
	place place // to go on after
	since int64
}

// place is one in the order of change of all shards.
type place struct {
	sequence int64
	shard    int
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.sequence, o.sequence), cmp.Compare(p.shard, o.shard))
}

// in is the sequence up to which a shard has been read.
func (p place) in(d *shard) int64 {
	if d.index > p.shard {
		return p.sequence - 1
	}
	return p.sequence
}

func (p place) String() string {
	text := strconv.FormatInt(p.sequence, 10)
	if p.shard > 0 {
		text += "-" + strconv.Itoa(p.shard)
	}
	return text
}

// parsePlace reads what String wrote, and nothing else.
func parsePlace(text string) (p place, ok bool) {
	sequence, rest, found := strings.Cut(text, "-")
	var err error
	if p.sequence, err = strconv.ParseInt(sequence, 10, 64); err != nil || p.sequence < 0 {
		return place{}, false
	}
	if found {
		if p.shard, err = strconv.Atoi(rest); err != nil || p.shard < 0 || p.shard >= MaxShards {
			return place{}, false
		}
	}
	return p, p.String() == text
}

func newChangeOrder(scan *store.Scan) (*changeOrder, error) {
	o := &changeOrder{scan: scan, since: math.MinInt64 / 2}
	if scan.After != "" {
		var ok bool
		if o.place, ok = parsePlace(scan.After); !ok {
			return nil, invalidAfter()
		}
	}
	if !scan.ModifiedSince.IsZero() {
		o.since = ceilMicros(scan.ModifiedSince)
	}
	return o, nil
}

func (o *changeOrder) set(d *shard) string        { return d.changes(o.scan.Table) }
func (o *changeOrder) covers(x *scanItem) bool    { return o.scan.Covers(x.key) }
func (o *changeOrder) after(x *scanItem) string   { return x.place().String() }
func (o *changeOrder) compare(a, b *scanItem) int { return a.place().compare(b.place()) }

func (x *scanItem) place() place { return place{x.record.sequence, x.shard} }

// arguments begin no earlier than where times of update can be late enough: no
// sequence is below its entry's.
func (o *changeOrder) arguments(d *shard, last string) []string {
	after := max(o.place.in(d), o.since-1)
	if last != "" {
		if n, err := strconv.ParseInt(last, 10, 64); err == nil {
			after = max(after, n)
		}
	}
	return []string{"change", strconv.FormatInt(after, 10), strconv.FormatInt(o.since, 10)}
}

// expiryOrder is that of the ends of life, and among the same of the keys.
type expiryOrder struct {
	scan   *store.Scan
	ends   int64 // to go on after
	key    string
	before int64
}

func newExpiryOrder(scan *store.Scan) (*expiryOrder, error) {
	o := &expiryOrder{scan: scan, ends: math.MinInt64 / 2, before: math.MaxInt64 / 2}
	if scan.After != "" {
		var ok bool
		if o.ends, o.key, ok = parseExpiryPlace(scan.After); !ok {
			return nil, invalidAfter()
		}
	}
	if !scan.ExpiringBefore.IsZero() {
		o.before = ceilMicros(scan.ExpiringBefore)
	}
	return o, nil
}

func parseExpiryPlace(text string) (ends int64, key string, ok bool) {
	number, key, found := strings.Cut(text, ":")
	ends, err := strconv.ParseInt(number, 10, 64)
	return ends, key, found && err == nil
}

func (o *expiryOrder) set(d *shard) string { return d.expiry(o.scan.Table) }

// covers passes over what comes before the place, too: the script can't where the
// key at the place is gone.
func (o *expiryOrder) covers(x *scanItem) bool {
	ends := cmp.Compare(x.record.expires, o.ends)
	return (ends > 0 || ends == 0 && x.key > o.key) && o.scan.Covers(x.key)
}

func (o *expiryOrder) compare(a, b *scanItem) int {
	return cmp.Or(cmp.Compare(a.record.expires, b.record.expires), cmp.Compare(a.key, b.key))
}

func (o *expiryOrder) after(x *scanItem) string {
	return strconv.FormatInt(x.record.expires, 10) + ":" + x.key
}

func (o *expiryOrder) arguments(_ *shard, last string) []string {
	ends, key := o.ends, o.key
	if last != "" {
		ends, key, _ = parseExpiryPlace(last)
	}
	return []string{"expiry", strconv.FormatInt(ends, 10), key, strconv.FormatInt(o.before, 10)}
}

func invalidAfter() error {
	return &store.Error{Code: store.InvalidCursor, Field: "cursor", Detail: "the cursor is not one of a scan in this order"}
}
