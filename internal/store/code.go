package store

// Code says what went wrong. Codes decide, texts never do: compare with
// errors.Is(err, store.NotFound).
type Code string

// Codes whose fault is the caller's: the same request fails again, unless the
// stored state it depends on changes.
const (
	InvalidTable         Code = "invalid_table"
	InvalidKey           Code = "invalid_key"
	InvalidJSON          Code = "invalid_json"
	InvalidMetadata      Code = "invalid_metadata"
	InvalidTTL           Code = "invalid_ttl"
	InvalidOperation     Code = "invalid_operation" // an operation that lacks what its kind needs
	InvalidPatch         Code = "invalid_patch"
	InvalidScan          Code = "invalid_scan"
	InvalidQuery         Code = "invalid_query"
	InvalidIndex         Code = "invalid_index"
	InvalidSQL           Code = "invalid_sql" // the engine can't make sense of the statement
	InvalidCursor        Code = "invalid_cursor"
	InvalidChannel       Code = "invalid_channel" // also of a pattern of channels
	InvalidRoutes        Code = "invalid_routes"
	InvalidBackend       Code = "invalid_backend"
	TooLarge             Code = "too_large"
	TooManyOperations    Code = "too_many_operations"
	DuplicateKey         Code = "duplicate_key" // a batch names a key twice in conflict
	CrossSlot            Code = "cross_slot"    // the keys of an atomic batch lie in different slots
	NotFound             Code = "not_found"
	AlreadyExists        Code = "already_exists"
	VersionMismatch      Code = "version_mismatch"
	PreconditionRequired Code = "precondition_required"
	NotANumber           Code = "not_a_number"
	OutOfRange           Code = "out_of_range"
	PatchConflict        Code = "patch_conflict" // the patch is sound but does not apply to this value
	UniqueViolation      Code = "unique_violation"
	BatchFailed          Code = "batch_failed"
	TooManyAffected      Code = "too_many_affected"
	TablesWouldMove      Code = "tables_would_move" // routes that would leave entries behind in another primary
	PrimaryServes        Code = "primary_serves"    // nobody is put in the place of a primary that serves
	NotCaughtUp          Code = "not_caught_up"     // a secondary may not have all that its primary had
	BackendFenced        Code = "backend_fenced"    // a member whose place was taken can't take another's
	NotFenced            Code = "not_fenced"        // nobody has taken the member's place
	TableNotEmpty        Code = "table_not_empty"   // entries are there already where a table is to be copied to
	BackendInUse         Code = "backend_in_use"    // routes name the member, or it has the system tables
	BackendFixed         Code = "backend_fixed"     // the member is of the settings
	QueryTooExpensive    Code = "query_too_expensive"
	SQLFailed            Code = "sql_failed"    // the statement makes sense and failed; nothing was written
	Compacted            Code = "compacted"     // a cursor from before what the feed still knows
	SlowConsumer         Code = "slow_consumer" // a subscription that did not keep up has ended
	NotCached            Code = "not_cached"    // a copy was asked for, or nothing, and there is none that will do
	Unsupported          Code = "unsupported"
	Canceled             Code = "canceled" // the caller went away
)

// Codes whose fault is the server's.
const (
	Busy        Code = "busy"         // an exclusive piece of work is under way
	Timeout     Code = "timeout"      // the deadline passed; nothing was written
	Unavailable Code = "unavailable"  // the backend can't be reached; nothing was written
	StorageFull Code = "storage_full" // no room; nothing was written
	Ambiguous   Code = "outcome_unknown"
	Internal    Code = "internal"
)

// Fault says on whose side an error lies.
type Fault uint8

// The two sides. Only a server's fault counts against a backend's health.
const (
	CallersFault Fault = iota
	ServersFault
)

type codeFacts struct {
	fault     Fault
	retryable bool
}

// Retryable here means that the same request, sent again unchanged and
// without having read anything, may well succeed and can do no harm.
// Ambiguous is not among them: it may have happened.
var serverCodes = map[Code]codeFacts{
	Busy:        {ServersFault, true},
	Timeout:     {ServersFault, true},
	Unavailable: {ServersFault, true},
	StorageFull: {ServersFault, false},
	Ambiguous:   {ServersFault, false},
	Internal:    {ServersFault, false},
}

// Error makes a Code an error, so that errors.Is finds it.
func (c Code) Error() string { return string(c) }

// Fault says whose fault an error with this code is.
func (c Code) Fault() Fault { return serverCodes[c].fault }

// Retryable says whether sending the same request again can help and can't
// harm.
func (c Code) Retryable() bool { return serverCodes[c].retryable }
