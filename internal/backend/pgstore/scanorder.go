package pgstore

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// byChange follows the order of change. It shows what is committed, also what
// the feed still holds back because an older transaction is running.
func (p *pager) byChange() (*selection, error) {
	q := p.ordered()
	if p.scan.After != "" {
		xid, sequence, err := parseChangePlace(p.scan.After)
		if err != nil {
			return nil, err
		}
		q.add(" and (e.xid, e.sequence) > (", q.arg(xid), "::xid8, ", q.arg(sequence), "::bigint)")
	}
	if !p.scan.ModifiedSince.IsZero() {
		q.add(" and e.updated_at >= ", q.arg(ceilTime(p.scan.ModifiedSince)))
	}
	q.living(p.s)
	q.add(" order by e.xid, e.sequence limit ", q.arg(p.limit+1))
	return q, nil
}

// byExpiry follows the order of expiry from now on.
func (p *pager) byExpiry() (*selection, error) {
	q := p.ordered()
	q.add(" and e.expires_at > ", q.now(p.s))
	if p.scan.After != "" {
		ends, key, err := parseExpiryPlace(p.scan.After)
		if err != nil {
			return nil, err
		}
		q.add(" and (e.expires_at, e.key) > (", q.arg(ends), ", ", q.arg(key), ")")
	}
	if !p.scan.ExpiringBefore.IsZero() {
		q.add(" and e.expires_at < ", q.arg(ceilTime(p.scan.ExpiringBefore)))
	}
	q.add(" order by e.expires_at, e.key limit ", q.arg(p.limit+1))
	return q, nil
}

// ordered begins a selection in an order that is not that of keys.
func (p *pager) ordered() *selection {
	q := &selection{}
	q.add("select ", p.columns(), " from ", p.s.sql.entries, " e where e.table_name = ", q.arg(p.scan.Table))
	q.within(covered(p.scan))
	return q
}

func changePlace(r *row) string {
	return strconv.FormatUint(r.xid, 10) + "." + strconv.FormatInt(r.sequence, 10)
}

func parseChangePlace(place string) (xid uint64, sequence int64, err error) {
	x, n, _ := strings.Cut(place, ".")
	xid, errXid := strconv.ParseUint(x, 10, 64)
	sequence, errSequence := strconv.ParseInt(n, 10, 64)
	if errXid != nil || errSequence != nil {
		return 0, 0, invalidAfter()
	}
	return xid, sequence, nil
}

func expiryPlace(r *row) string { return fmt.Sprintf("%d:%s", r.ExpiresAt.UnixMicro(), r.Key) }

func parseExpiryPlace(place string) (ends time.Time, key string, err error) {
	micros, key, found := strings.Cut(place, ":")
	n, err := strconv.ParseInt(micros, 10, 64)
	if err != nil || !found || !isText(key) || n < minMicros || n > maxMicros {
		return time.Time{}, "", invalidAfter()
	}
	return time.UnixMicro(n), key, nil
}

// Bounds of the times that scans are asked for, in µs since 1970: the database
// can hold all between them, the years -4712 to 147000.
const (
	minMicros = -210_866_803_200_000_000
	maxMicros = 1<<62 - 1
)

// ceilTime is the first whole microsecond that is not before t, within those
// bounds.
func ceilTime(t time.Time) time.Time {
	switch floor := t.Truncate(time.Microsecond); {
	case t.Before(time.UnixMicro(minMicros)):
		return time.UnixMicro(minMicros)
	case t.After(time.UnixMicro(maxMicros)):
		return time.UnixMicro(maxMicros)
	case floor.Before(t):
		return floor.Add(time.Microsecond)
	default:
		return floor
	}
}
