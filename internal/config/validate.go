package config

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// check is a rule for one setting: what is wrong with its value, "" if nothing.
type check struct {
	name  string
	wrong string
}

// Validate holds the settings to what larder can work with. The error is an
// *Error.
func (c Config) Validate() error {
	if problems := c.validate(nil, nil); len(problems) > 0 {
		return &Error{Problems: problems}
	}
	return nil
}

// validate passes over what is known to be wrong already.
func (c Config) validate(chosen map[string]given, known []Problem) []Problem {
	var problems []Problem
	for _, rule := range c.checks() {
		where := cmp.Or(chosen[rule.name].where, envPrefix+rule.name)
		reported := slices.ContainsFunc(known, func(p Problem) bool { return p.Setting == where })
		if rule.wrong != "" && !reported {
			problems = append(problems, Problem{where, rule.wrong})
		}
	}
	return problems
}

func (c Config) checks() []check {
	return []check{
		{"LISTEN", c.checkListen()},
		{"PRIMARY", c.checkPrimary()},
		{"BACKENDS", c.checkBackends()},
		{"ROUTES", c.checkRoutes()},
		{"SYSTEM", c.checkSystem()},
		{"CACHE_STALENESS", between(c.CacheStaleness, 10*time.Millisecond, time.Hour)},
		{"CACHE_MEMORY", between(c.CacheMemory, 0, 1<<40)},
		{"RETRY_ATTEMPTS", between(c.RetryAttempts, 1, 100)},
		{"RETRY_DELAY", between(c.RetryDelay, time.Millisecond, time.Minute)},
		{"RETRY_MAX_DELAY", between(c.RetryMaxDelay, c.RetryDelay, time.Hour)},
		{"RETRY_JITTER", between(c.RetryJitter, 0, 1)},
		{"ATTEMPT_TIMEOUT", between(c.AttemptTimeout, 0, time.Hour)},
		{"BREAKER_FAILURES", between(c.BreakerFailures, 1, 1_000_000)},
		{"BREAKER_WINDOW", between(c.BreakerWindow, time.Millisecond, time.Minute)},
		{"BREAKER_DELAY", between(c.BreakerDelay, 10*time.Millisecond, time.Hour)},
		{"MAX_CALLS", between(c.MaxCalls, 1, 1_000_000)},
		{"CALL_WAIT", between(c.CallWait, time.Millisecond, time.Minute)},
		{"MIN_CALLS", c.checkMinCalls()},
		{"LOG_LEVEL", oneOf(c.LogLevel, LogTrace, LogDebug, LogInfo, LogWarn, LogError)},
		{"LOG_FORMAT", oneOf(c.LogFormat, LogAuto, LogConsole, LogJSON)},
		{"LOG_REQUESTS", oneOf(c.LogRequests, LogNoRequests, LogFailedRequests, LogAllRequests)},
		{"MAX_VALUE_BYTES", between(c.MaxValueBytes, 1, 64<<20)},
		{"MAX_DEPTH", between(c.MaxDepth, 1, 1000)},
		{"MAX_BODY_BYTES", between(c.MaxBodyBytes, c.MaxValueBytes, 1<<30)},
		{"MAX_HEADER_BYTES", between(c.MaxHeaderBytes, 4<<10, 1<<20)},
		{"MAX_CONNECTIONS", between(c.MaxConnections, 1, 1_000_000)},
		{"MAX_STREAMS", between(c.MaxStreams, 1, 1_000_000)},
		{"SCAN_BUDGET", between(c.ScanBudget, 1, 1_000_000_000)},
		{"REQUEST_TIMEOUT", between(c.RequestTimeout, time.Millisecond, time.Hour)},
		{"READ_HEADER_TIMEOUT", between(c.ReadHeaderTimeout, time.Millisecond, time.Hour)},
		{"READ_TIMEOUT", between(c.ReadTimeout, time.Millisecond, 24*time.Hour)},
		{"IDLE_TIMEOUT", between(c.IdleTimeout, time.Millisecond, 24*time.Hour)},
		{"SHUTDOWN_DELAY", between(c.ShutdownDelay, 0, time.Hour)},
		{"SHUTDOWN_TIMEOUT", between(c.ShutdownTimeout, time.Millisecond, time.Hour)},
		{"TOMBSTONE_RETENTION", between(c.TombstoneRetention, time.Second, 10*365*24*time.Hour)},
		{"REAP_INTERVAL", between(c.ReapInterval, 10*time.Millisecond, time.Hour)},
		{"POSTGRES_SCHEMA", c.checkSchema()},
		{"POSTGRES_REPLICA_URLS", c.checkReplicas()},
		{"POSTGRES_MIN_CONNECTIONS", between(c.PostgresMinConnections, 1, c.PostgresMaxConnections)},
		{"POSTGRES_MAX_CONNECTIONS", between(c.PostgresMaxConnections, 1, 10_000)},
		{"POSTGRES_CONNECT_TIMEOUT", between(c.PostgresConnectTimeout, 10*time.Millisecond, 5*time.Minute)},
		{"POSTGRES_ACQUIRE_TIMEOUT", between(c.PostgresAcquireTimeout, time.Millisecond, time.Minute)},
		{"POSTGRES_IDLE_TIMEOUT", between(c.PostgresIdleTimeout, time.Second, 24*time.Hour)},
		{"POSTGRES_LIFETIME", between(c.PostgresLifetime, time.Second, 7*24*time.Hour)},
		{"POSTGRES_SQL_URL", c.checkSQLURL()},
		{"REDIS_PREFIX", c.checkRedisPrefix()},
		{"REDIS_SHARDS", between(c.RedisShards, 0, 1024)},
		{"REDIS_CACHE", between(c.RedisCache, 0, 1<<40)},
		{"REDIS_CACHE_AGE", between(c.RedisCacheAge, 10*time.Millisecond, time.Minute)},
		{"REDIS_REPLY_TIMEOUT", between(c.RedisReplyTimeout, 50*time.Millisecond, 5*time.Minute)},
		{"REDIS_CONNECT_TIMEOUT", between(c.RedisConnectTimeout, 10*time.Millisecond, 5*time.Minute)},
	}
}

// checkMinCalls lets LARDER_MAX_CALLS be lowered alone.
func (c Config) checkMinCalls() string {
	if c.origins["MIN_CALLS"] == "" && c.MaxCalls < c.MinCalls {
		return ""
	}
	return between(c.MinCalls, 1, c.MaxCalls)
}

func (c Config) checkListen() string {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Sprintf("%q is not an address with a port, such as 127.0.0.1:8080 or [::1]:8080", c.Listen)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Sprintf("%q is not a port; one lies between 0 and 65535", port)
	}
	if !c.AllowAnonymous && !isLoopback(host) {
		return fmt.Sprintf("%s is open to other machines and nobody is asked for credentials; listen on 127.0.0.1, or set LARDER_ALLOW_ANONYMOUS=true if that is meant", c.Listen)
	}
	return ""
}

// isLoopback says whether only this machine can reach the host. A name other
// than localhost may resolve to anything.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func (c Config) checkPrimary() string {
	if len(c.Backends) > 0 && c.origins["PRIMARY"] != "" {
		return "LARDER_BACKENDS is set as well; name this one there, or keep one of the two"
	}
	return CheckBackendURL(c.Primary)
}

// CheckBackendURL says what is wrong with a backend's URL, "" for nothing. It goes after "is".
func CheckBackendURL(address string) string {
	u, _, err := parseURL(address)
	if err != nil || u.Scheme == "" || u.Host == "" && u.Path == "" && u.Opaque == "" {
		return "not a URL whose scheme names a backend, such as bolt://./data/larder.db"
	}
	return ""
}

func oneOf[T ~string](value T, allowed ...T) string {
	if slices.Contains(allowed, value) {
		return ""
	}
	texts := make([]string, len(allowed))
	for i, a := range allowed {
		texts[i] = string(a)
	}
	return fmt.Sprintf("%q is not one of %s", string(value), strings.Join(texts, ", "))
}

func between[T cmp.Ordered](value, least, most T) string {
	if least <= value && value <= most {
		return ""
	}
	return fmt.Sprintf("%v is out of range; it lies between %v and %v", value, least, most)
}
