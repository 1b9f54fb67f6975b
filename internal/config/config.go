package config

import (
	"runtime"
	"time"
)

// Config is all settings. The tag env is a setting's name; in the environment
// LARDER_ goes before it, in YAML it is in lower case.
type Config struct {
	// Listen is the address to serve HTTP on, host:port. Port 0 takes a free
	// one, which the log then tells.
	Listen string `env:"LISTEN"`

	// Primary is the URL of the store that keeps the entries. Its scheme
	// picks the backend.
	Primary string `env:"PRIMARY" secret:"true"`

	// Backends are several stores in place of Primary, each by a name that Routes
	// use.
	Backends Backends `env:"BACKENDS" secret:"true"`
	// Routes say which tables are stored by which strategy over which backends; "":
	// all in the first, primary-only.
	Routes string `env:"ROUTES"`
	// System is the backend that larder keeps its own tables in; "": the first.
	System string `env:"SYSTEM"`

	// CacheStaleness is how old what cache-aside serves may be, unless a request says
	// otherwise.
	CacheStaleness time.Duration `env:"CACHE_STALENESS"`
	// CacheMemory is the memory for its copies in this process, of each route; 0: none.
	CacheMemory Bytes `env:"CACHE_MEMORY"`

	// RetryEnabled has calls to a backend tried again that failed without doing anything:
	// RetryAttempts in all, RetryDelay before the second, twice as long before each later
	// one, RetryMaxDelay at most, each by up to the part RetryJitter shorter or longer.
	RetryEnabled  bool          `env:"RETRY_ENABLED"`
	RetryAttempts int           `env:"RETRY_ATTEMPTS"`
	RetryDelay    time.Duration `env:"RETRY_DELAY"`
	RetryMaxDelay time.Duration `env:"RETRY_MAX_DELAY"`
	RetryJitter   float64       `env:"RETRY_JITTER"`
	// AttemptTimeout bounds one attempt at a brief read; 0: the request's time does.
	AttemptTimeout time.Duration `env:"ATTEMPT_TIMEOUT"`
	// BreakerEnabled has calls fail at once while a backend does not answer: after
	// BreakerFailures in a row over BreakerWindow, for BreakerDelay at a time.
	BreakerEnabled  bool          `env:"BREAKER_ENABLED"`
	BreakerFailures int           `env:"BREAKER_FAILURES"`
	BreakerWindow   time.Duration `env:"BREAKER_WINDOW"`
	BreakerDelay    time.Duration `env:"BREAKER_DELAY"`
	// MaxCalls bounds the calls to a backend at once; further ones wait for CallWait.
	MaxCalls int           `env:"MAX_CALLS"`
	CallWait time.Duration `env:"CALL_WAIT"`
	// AdaptiveLimit lowers the bound to what a backend turns out to be able to do, but
	// never below MinCalls.
	AdaptiveLimit bool `env:"ADAPTIVE_LIMIT"`
	MinCalls      int  `env:"MIN_CALLS"`

	// AllowAnonymous lets larder listen on an address that other machines can
	// reach although it asks nobody for credentials.
	AllowAnonymous bool `env:"ALLOW_ANONYMOUS"`

	LogLevel    LogLevel    `env:"LOG_LEVEL"`
	LogFormat   LogFormat   `env:"LOG_FORMAT"`
	LogRequests LogRequests `env:"LOG_REQUESTS"`

	// MaxValueBytes bounds one value, in canonical JSON or as opaque bytes.
	MaxValueBytes Bytes `env:"MAX_VALUE_BYTES"`
	// MaxDepth bounds how deep arrays and objects in a value may be nested.
	MaxDepth int `env:"MAX_DEPTH"`
	// MaxBodyBytes bounds the body of a request with many operations.
	MaxBodyBytes Bytes `env:"MAX_BODY_BYTES"`
	// MaxHeaderBytes bounds a request's line and headers.
	MaxHeaderBytes Bytes `env:"MAX_HEADER_BYTES"`
	// MaxConnections bounds the connections open at once; further ones wait
	// in the operating system's queue.
	MaxConnections int `env:"MAX_CONNECTIONS"`
	// MaxStreams bounds the streams of changes open at once.
	MaxStreams int `env:"MAX_STREAMS"`
	// ScanBudget is how many entries a query may look at without an index.
	ScanBudget int `env:"SCAN_BUDGET"`

	// RequestTimeout bounds the work on one request; streams are exempt.
	RequestTimeout time.Duration `env:"REQUEST_TIMEOUT"`
	// ReadHeaderTimeout bounds the wait for a request's headers.
	ReadHeaderTimeout time.Duration `env:"READ_HEADER_TIMEOUT"`
	// ReadTimeout bounds the wait for a whole request, its body included.
	ReadTimeout time.Duration `env:"READ_TIMEOUT"`
	// IdleTimeout is how long a connection without a request stays open.
	IdleTimeout time.Duration `env:"IDLE_TIMEOUT"`

	// ShutdownDelay is how long larder goes on serving after it was told to
	// stop and /readyz says so, for load balancers to notice.
	ShutdownDelay time.Duration `env:"SHUTDOWN_DELAY"`
	// ShutdownTimeout bounds the wait for requests under way at the end.
	ShutdownTimeout time.Duration `env:"SHUTDOWN_TIMEOUT"`

	// TombstoneRetention is how long a deletion is remembered, and so how far
	// behind a reader of the change feed may fall.
	TombstoneRetention time.Duration `env:"TOMBSTONE_RETENTION"`
	// ReapInterval lies between two rounds of clearing up what has expired.
	ReapInterval time.Duration `env:"REAP_INTERVAL"`

	// PostgresSchema is the schema of the database to keep everything in; it
	// is made where it is missing.
	PostgresSchema string `env:"POSTGRES_SCHEMA"`
	// PostgresReplicaURLs are of standbys, for reads that allow staleness.
	PostgresReplicaURLs URLs `env:"POSTGRES_REPLICA_URLS" secret:"true"`
	// PostgresMinConnections are kept open, and there are never more than
	// PostgresMaxConnections, to each server.
	PostgresMinConnections int `env:"POSTGRES_MIN_CONNECTIONS"`
	PostgresMaxConnections int `env:"POSTGRES_MAX_CONNECTIONS"`
	// PostgresConnectTimeout bounds the making of a connection.
	PostgresConnectTimeout time.Duration `env:"POSTGRES_CONNECT_TIMEOUT"`
	// PostgresAcquireTimeout bounds a request's wait for a free connection.
	PostgresAcquireTimeout time.Duration `env:"POSTGRES_ACQUIRE_TIMEOUT"`
	// PostgresIdleTimeout is how long a connection without work stays open.
	PostgresIdleTimeout time.Duration `env:"POSTGRES_IDLE_TIMEOUT"`
	// PostgresLifetime is how old a connection gets.
	PostgresLifetime time.Duration `env:"POSTGRES_LIFETIME"`
	// PostgresGather has single reads and writes that arrive together done
	// together.
	PostgresGather bool `env:"POSTGRES_GATHER"`
	// PostgresSQL lets clients run statements of their own.
	PostgresSQL bool `env:"POSTGRES_SQL"`
	// PostgresSQLURL says as whom, and on which server; "": as the primary's.
	PostgresSQLURL string `env:"POSTGRES_SQL_URL" secret:"true"`

	// RedisPrefix begins the names of all keys, so that others may use the
	// same Redis.
	RedisPrefix string `env:"REDIS_PREFIX"`
	// RedisShards is how many parts the keys are spread over. 0: as the store
	// was made, or 1, and in a Cluster 64.
	RedisShards int `env:"REDIS_SHARDS"`
	// RedisCache is the memory for copies of entries in this process; 0: none, so that
	// every read is of the newest.
	RedisCache Bytes `env:"REDIS_CACHE"`
	// RedisCacheAge is how far such a copy may be behind.
	RedisCacheAge time.Duration `env:"REDIS_CACHE_AGE"`
	// RedisConnectTimeout bounds the making of a connection.
	RedisConnectTimeout time.Duration `env:"REDIS_CONNECT_TIMEOUT"`
	// RedisReplyTimeout bounds an answer of a server's; then the connection counts
	// as broken.
	RedisReplyTimeout time.Duration `env:"REDIS_REPLY_TIMEOUT"`

	origins map[string]string // by the setting's name; absent: its default
}

// LogLevel is the least severe level that is logged.
type LogLevel string

// The log levels.
const (
	LogTrace LogLevel = "trace"
	LogDebug LogLevel = "debug"
	LogInfo  LogLevel = "info"
	LogWarn  LogLevel = "warn"
	LogError LogLevel = "error"
)

// LogFormat is how log lines look.
type LogFormat string

// The log formats.
const (
	LogAuto    LogFormat = "auto"    // console on a terminal, else JSON
	LogConsole LogFormat = "console" // for people
	LogJSON    LogFormat = "json"    // an object a line
)

// LogRequests says which requests are logged. What failed by larder's own
// fault is logged in any case.
type LogRequests string

// Which requests are logged.
const (
	LogNoRequests     LogRequests = "off"
	LogFailedRequests LogRequests = "errors" // those answered with a 4xx or 5xx
	LogAllRequests    LogRequests = "all"
)

// Default gives the settings as they are when nothing is said.
func Default() Config {
	return Config{
		Listen:             "127.0.0.1:8080",
		Primary:            "bolt://./data/larder.db",
		CacheStaleness:     time.Second,
		CacheMemory:        64 << 20,
		RetryEnabled:       true,
		RetryAttempts:      3,
		RetryDelay:         100 * time.Millisecond,
		RetryMaxDelay:      10 * time.Second,
		RetryJitter:        0.2,
		BreakerEnabled:     true,
		BreakerFailures:    5,
		BreakerWindow:      500 * time.Millisecond,
		BreakerDelay:       time.Second,
		MaxCalls:           4_000,
		CallWait:           100 * time.Millisecond,
		AdaptiveLimit:      true,
		MinCalls:           256,
		LogLevel:           LogInfo,
		LogFormat:          LogAuto,
		LogRequests:        LogNoRequests,
		MaxValueBytes:      1 << 20,
		MaxDepth:           128,
		MaxBodyBytes:       32 << 20,
		MaxHeaderBytes:     16 << 10,
		MaxConnections:     10_000,
		MaxStreams:         1_000,
		ScanBudget:         250_000,
		RequestTimeout:     10 * time.Second,
		ReadHeaderTimeout:  5 * time.Second,
		ReadTimeout:        30 * time.Second,
		IdleTimeout:        2 * time.Minute,
		ShutdownTimeout:    15 * time.Second,
		TombstoneRetention: 7 * 24 * time.Hour,
		ReapInterval:       time.Second,

		PostgresSchema:         "public",
		PostgresMinConnections: 2,
		PostgresMaxConnections: 10 * ((runtime.GOMAXPROCS(0) + 1) / 2), // more would only wait for each other
		PostgresConnectTimeout: 5 * time.Second,
		PostgresAcquireTimeout: 150 * time.Millisecond,
		PostgresIdleTimeout:    10 * time.Minute,
		PostgresLifetime:       time.Hour,
		PostgresGather:         true,

		RedisPrefix:         "larder",
		RedisCacheAge:       time.Second,
		RedisConnectTimeout: time.Second,
		RedisReplyTimeout:   500 * time.Millisecond,
	}
}
