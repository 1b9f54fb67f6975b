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
	c.freshness.Recent = !noCache
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

// tell says who answered and how old that is, to those who have asked for less than
// the newest.
func (a *API) tell(h http.Header, c cacheControl, from store.Source) {
	switch {
	case !c.asked:
	case from.Copy == "":
		h.Set("Larder-Served-By", a.store.Info().Name)
	default:
		h.Set("Larder-Served-By", from.Copy)
		h.Set("Age", strconv.FormatInt(int64((from.Age+time.Second-1)/time.Second), 10))
	}
}
