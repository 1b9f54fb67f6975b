package httpapi

import (
	"net/http"

	"larder/internal/store"
)

// Codes of what can be wrong with a request before it means anything to a
// store.
const (
	invalidParameterCode store.Code = "invalid_parameter"
	invalidHeaderCode    store.Code = "invalid_header"
	invalidBodyCode      store.Code = "invalid_body"
	methodNotAllowed     store.Code = "method_not_allowed"
	unsupportedMediaType store.Code = "unsupported_media_type"
	notAcceptable        store.Code = "not_acceptable"
	routeNotFound        store.Code = "route_not_found"
	confirmationRequired store.Code = "confirmation_required"
	slowRequest          store.Code = "slow_request"
	tooManyStreams       store.Code = "too_many_streams"
	stopping             store.Code = "stopping"
)

// meaning is what a code is in HTTP.
type meaning struct {
	status int
	title  string
}

// meanings is the one table from codes to statuses. What is not in it is a
// bug, and shown as 500; a test holds it to every code there is.
var meanings = map[store.Code]meaning{
	store.InvalidTable:     {http.StatusBadRequest, "The table's name is not valid"},
	store.InvalidKey:       {http.StatusBadRequest, "The key is not valid"},
	store.InvalidJSON:      {http.StatusBadRequest, "The value is not valid JSON"},
	store.InvalidMetadata:  {http.StatusBadRequest, "The metadata is not valid"},
	store.InvalidTTL:       {http.StatusBadRequest, "The time to live is not valid"},
	store.InvalidOperation: {http.StatusBadRequest, "The operation is not valid"},
	store.InvalidPatch:     {http.StatusBadRequest, "The patch is not valid"},
	store.InvalidScan:      {http.StatusBadRequest, "The list's arguments are not valid"},
	store.InvalidQuery:     {http.StatusBadRequest, "The query is not valid"},
	store.InvalidIndex:     {http.StatusBadRequest, "The index is not valid"},
	store.InvalidSQL:       {http.StatusBadRequest, "The SQL is not valid"},
	store.InvalidCursor:    {http.StatusBadRequest, "The cursor is not valid"},
	store.InvalidChannel:   {http.StatusBadRequest, "The channel or pattern is not valid"},
	store.InvalidRoutes:    {http.StatusBadRequest, "The routes are not possible"},
	store.InvalidBackend:   {http.StatusBadRequest, "The backend is not possible"},
	store.DuplicateKey:     {http.StatusBadRequest, "A key is named twice in conflict"},
	invalidParameterCode:   {http.StatusBadRequest, "A parameter is not valid"},
	invalidHeaderCode:      {http.StatusBadRequest, "A header is not valid"},
	invalidBodyCode:        {http.StatusBadRequest, "The request's body is not valid"},
	confirmationRequired:   {http.StatusBadRequest, "A confirmation is required"},

	store.NotFound:   {http.StatusNotFound, "There is no such entry"},
	routeNotFound:    {http.StatusNotFound, "There is nothing at this path"},
	methodNotAllowed: {http.StatusMethodNotAllowed, "The method does not exist here"},
	notAcceptable:    {http.StatusNotAcceptable, "The answer does not exist in an accepted type"},
	slowRequest:      {http.StatusRequestTimeout, "The request was too slow in coming"},

	store.SlowConsumer: {http.StatusRequestTimeout, "The subscription did not keep up"},

	store.BatchFailed:     {http.StatusConflict, "The batch failed; nothing was written"},
	store.CrossSlot:       {http.StatusConflict, "The batch's keys lie apart; nothing was written"},
	store.TooManyAffected: {http.StatusConflict, "More entries are affected than allowed"},
	store.PrimaryServes:   {http.StatusConflict, "The primary serves"},
	store.NotCaughtUp:     {http.StatusConflict, "The secondary may not have everything"},
	store.BackendFenced:   {http.StatusConflict, "The backend is fenced"},
	store.NotFenced:       {http.StatusConflict, "The backend is not fenced"},
	store.TableNotEmpty:   {http.StatusConflict, "The table has entries there already"},
	store.BackendInUse:    {http.StatusConflict, "The backend is in use"},
	store.BackendFixed:    {http.StatusConflict, "The backend is one of the settings"},
	store.TablesWouldMove: {http.StatusConflict, "Tables would leave their entries behind"},
	store.OutOfRange:      {http.StatusConflict, "The number would leave its range"},
	store.NotANumber:      {http.StatusConflict, "There is no number there"},
	store.PatchConflict:   {http.StatusConflict, "The patch does not apply to this value"},
	store.UniqueViolation: {http.StatusConflict, "A unique index forbids this value"},
	store.Busy:            {http.StatusConflict, "Other work is under way"},
	store.Compacted:       {http.StatusGone, "The feed does not reach back that far"},

	store.VersionMismatch: {http.StatusPreconditionFailed, "The entry is at another version"},
	store.AlreadyExists:   {http.StatusPreconditionFailed, "The entry exists already"},

	store.TooLarge:             {http.StatusRequestEntityTooLarge, "Too large"},
	store.TooManyOperations:    {http.StatusRequestEntityTooLarge, "Too many operations"},
	unsupportedMediaType:       {http.StatusUnsupportedMediaType, "The body's type is not taken here"},
	store.QueryTooExpensive:    {http.StatusUnprocessableEntity, "The query looks at too much without an index"},
	store.SQLFailed:            {http.StatusUnprocessableEntity, "The SQL failed; nothing was written"},
	store.PreconditionRequired: {http.StatusPreconditionRequired, "The table takes conditional writes only"},
	store.Canceled:             {499, "The client went away"},

	store.Internal:    {http.StatusInternalServerError, "Internal error"},
	store.Unsupported: {http.StatusNotImplemented, "The backend can't do this"},
	store.Unavailable: {http.StatusServiceUnavailable, "The backend is not available; nothing was written"},
	store.Timeout:     {http.StatusServiceUnavailable, "The request took too long; nothing was written"},
	tooManyStreams:    {http.StatusServiceUnavailable, "Too many streams are open"},
	stopping:          {http.StatusServiceUnavailable, "The gateway is stopping"},
	store.NotCached:   {http.StatusGatewayTimeout, "No cache has a copy"},
	store.Ambiguous:   {http.StatusGatewayTimeout, "The outcome is unknown"},
	store.StorageFull: {http.StatusInsufficientStorage, "The storage is full; nothing was written"},
}

// meaningOf gives a code's meaning; of NotFound where a precondition failed
// it is 412 rather than 404.
func meaningOf(e *store.Error) meaning {
	m, known := meanings[e.Code]
	if !known {
		return meanings[store.Internal]
	}
	if e.Precondition && e.Code == store.NotFound {
		m.status = http.StatusPreconditionFailed
	}
	return m
}

// retryable says whether the same request may be sent again: as the domain
// has it, and for what only HTTP knows.
func retryable(code store.Code) bool {
	return code.Retryable() || code == tooManyStreams || code == stopping || code == slowRequest
}
