package httpapi

import (
	"cmp"
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

// forwarded are the reasons for which the newest was asked for in spite of the copies that
// are kept (RFC 9211, section 2.2).
var forwarded = [...]string{store.Bypass: "bypass", store.Miss: "miss", store.Stale: "stale"}

// What answers of one kind say over and over.
var (
	memoryHit = []string{cacheName + "; hit; detail=" + memoryCopies}
	ages      = func() (texts [61][]string) {
		for i := range texts {
			texts[i] = []string{strconv.Itoa(i)}
		}
		return texts
	}()
)

// memoryCopies is the name of the copies in this process.
const memoryCopies = "memory"

// tell says, where copies are kept, whether one answered; and to those who have asked for
// less than the newest by headers of their own how old that is, and who did. Who has not
// asked is told an age of more than a second, the least that the header has. net/http takes
// a microsecond more for an answer of more than eight headers, and with one of these it has
// eight.
func (a *API) tell(h http.Header, c cacheControl, from store.Source) {
	switch {
	case from.Copy == memoryCopies:
		h["Cache-Status"] = memoryHit
	case from.Copy != "":
		h["Cache-Status"] = []string{cacheName + "; hit; detail=" + from.Copy}
	case from.Why != store.NotForwarded:
		h["Cache-Status"] = []string{cacheName + "; fwd=" + forwarded[from.Why] + "; detail=" + from.By}
	}
	if from.Copy != "" && (c.asked || from.Age > time.Second) {
		tellAge(h, from.Age)
	}
	if c.asked {
		h["Larder-Served-By"] = []string{cmp.Or(from.Copy, from.By, a.store.Info().Name)}
	}
}

// tellAge tells how old a copy is, rounded up.
func tellAge(h http.Header, age time.Duration) {
	seconds := int((age + time.Second - 1) / time.Second)
	if seconds < len(ages) {
		h["Age"] = ages[seconds]
		return
	}
	h["Age"] = []string{strconv.Itoa(seconds)}
}
