// Package intercept stands between a store and all who call it, with care that no
// backend takes by itself: it counts, tries again, and keeps a backend that is down or
// overloaded from taking the gateway with it.
//
//	retry := intercept.NewRetry(intercept.RetryOptions{})
//	breaker := intercept.NewBreaker(intercept.BreakerOptions{Backend: "pg"})
//	s = intercept.Wrap(s, retry.Intercept, breaker.Intercept, intercept.Timeout(time.Second))
//
// An Interceptor is a plain function around a call, the first of a chain the outermost.
// The order that they are meant for:
//
//  1. Metrics: what callers get and how long they wait for it, whatever it took.
//  2. Retry: outside of all that refuses, so that it sees why an attempt failed; what was
//     refused here it does not try again. There is no other layer of retries.
//  3. Trace: a span for each attempt, and each refusal.
//  4. Breaker: each attempt counts, and none is made while nothing gets through.
//  5. Limit: sheds what is too much at once, before it takes a place to wait in.
//  6. Bulkhead: lets so many in at once, others wait for a moment. What waits here is
//     within the limit, so that waiting is seen as the overload it is.
//  7. Timeout: innermost, for it bounds what the store takes, without the waits before.
//
// Limit and Bulkhead let looks at copies and the keeping of copies pass: whoever makes those
// gives them some milliseconds and goes without, so that they can't pile up.
//
// Breaker, Limit and Bulkhead refuse with store.Unavailable, which says that nothing was
// written.
package intercept
