package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"larder/internal/store"
)

// cacheControl is what a read's Cache-Control asks for (RFC 9111, section 5.2.1,
// and RFC 5861). Directives that larder does not know, and values that are no
// number of seconds, are passed over: they only ever allow less than is given.
type cacheControl struct {
	onlyIfCached bool
	asked        bool // for less than the newest
	freshness    store.Freshness
}

// maxStaleness is as old as a copy can be asked for; more than that is that.
const maxStaleness = 10 * 365 * 24 * time.Hour

func parseCacheControl(h http.Header) cacheControl {
	var c cacheControl
	noCache := false
	for _, line := range h["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			name, argument, _ := strings.Cut(strings.TrimSpace(directive), "=")
			switch strings.ToLower(name) {
			case "only-if-cached":
				c.onlyIfCached = true
			case "no-cache":
				noCache = true
			case "max-age":
				c.freshness.MaxAge = deltaSeconds(argument)
				noCache = noCache || c.freshness.MaxAge == 0
			case "stale-if-error":
				c.freshness.IfError = deltaSeconds(argument)
			}
		}
	}
	if noCache {
		c.freshness.MaxAge = 0
	}
	c.asked = c.freshness != (store.Freshness{})
	c.freshness.Recent, c.freshness.OnlyCopy = !noCache, c.onlyIfCached
	return c
}

// deltaSeconds is RFC 9111's delta-seconds, section 1.2.2; 0 for what is none.
func deltaSeconds(text string) time.Duration {
	n, err := strconv.ParseUint(strings.Trim(text, `"`), 10, 32)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxStaleness)
}

// context is the one to read under.
func (c cacheControl) context(ctx context.Context) context.Context {
	if c.freshness == (store.Freshness{}) {
		return ctx
	}
	return store.WithFreshness(ctx, c.freshness)
}

// cacheName begins Cache-Status (RFC 9211): larder's copies are one cache to whoever asks.
const cacheName = "larder"

// forwarded is Cache-Status where the newest was asked for in spite of the copies that are
// kept, by the reason (RFC 9211, section 2.2).
var forwarded = map[store.Forwarded][]string{
	store.Bypass: {cacheName + "; fwd=bypass"},
	store.Miss:   {cacheName + "; fwd=miss"},
	store.Stale:  {cacheName + "; fwd=stale"},
}

// tell says who answered, whether by a copy and how old that is: where copies are kept,
// and to those who have asked for less than the newest.
func (a *API) tell(h http.Header, c cacheControl, from store.Source) {
	if from.Copy != "" {
		tellCopy(h, from)
		return
	}
	if from.Why != store.NotForwarded {
		h["Cache-Status"] = forwarded[from.Why]
	} else if !c.asked {
		return
	}
	by := from.By
	if by == "" {
		by = a.store.Info().Name
	}
	h["Larder-Served-By"] = []string{by}
}

// tellCopy tells of a copy, whose age is rounded up.
func tellCopy(h http.Header, from store.Source) {
	text := make([]byte, 0, 64)
	text = append(append(text, cacheName+"; hit; detail="...), from.Copy...)
	status := len(text)
	text = strconv.AppendInt(text, int64((from.Age+time.Second-1)/time.Second), 10)
	all := string(text)
	v := []string{all[:status], all[status:], from.Copy}
	h["Cache-Status"], h["Age"], h["Larder-Served-By"] = v[0:1:1], v[1:2:2], v[2:3:3]
}
