package redisstore

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// fail makes an error of this store.
func (s *Store) fail(code store.Code, detail string, cause error) *store.Error {
	return &store.Error{Code: code, Backend: s.options.Name, Detail: detail, Err: cause}
}

// closed is what every call gets after Close.
func (s *Store) closed() *store.Error {
	return s.fail(store.Unavailable, "the store has been closed", nil)
}

// ended is what a call gets whose context ended before anything was written.
func (s *Store) ended(ctx context.Context) *store.Error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return s.fail(store.Timeout, "the deadline passed before the store came to it; nothing was written", context.Cause(ctx))
	}
	return s.fail(store.Canceled, "the caller went away", context.Cause(ctx))
}

// refusals are the errors by which a server says that it has not done anything,
// by the word that they begin with.
var refusals = map[string]struct {
	code   store.Code
	detail string
}{
	"LOADING":     {store.Unavailable, "the Redis server is loading its data"},
	"BUSY":        {store.Unavailable, "the Redis server is busy with a script"},
	"READONLY":    {store.Unavailable, "the Redis server is a replica, and takes no writes"},
	"MASTERDOWN":  {store.Unavailable, "the Redis server has lost its master"},
	"CLUSTERDOWN": {store.Unavailable, "the Redis Cluster does not serve this slot"},
	"TRYAGAIN":    {store.Unavailable, "the keys are being moved to another node of the Redis Cluster"},
	"MOVED":       {store.Unavailable, "the keys have been moved to another node of the Redis Cluster"},
	"ASK":         {store.Unavailable, "the keys are being moved to another node of the Redis Cluster"},
	"NOREPLICAS":  {store.Unavailable, "the Redis server has fewer replicas than it is told to write with"},
	"OOM":         {store.StorageFull, "the Redis server's memory is full; nothing was written"},
	"MISCONF":     {store.StorageFull, "the Redis server can't save to its disk, and takes no writes; nothing was written"},
	"MAXCLIENTS":  {store.Unavailable, "the Redis server takes no more connections"},
	"NOAUTH":      {store.Unavailable, "the Redis server asks for a password"},
	"WRONGPASS":   {store.Unavailable, "the Redis server refuses the user or the password"},
	"NOPERM":      {store.Unavailable, "the Redis user may not do what larder has to"},
	"WRONGTYPE":   {store.Internal, "a key under larder's prefix does not hold what larder writes"},
}

// settings are the refusals that no waiting helps against, with the setting that
// is wrong.
var settings = map[string]string{"NOAUTH": "url", "WRONGPASS": "url", "NOPERM": "url"}

// refusalOf gives the word for a refusal. Those that the server tells as errors of no
// kind of their own, for which the client leaves the word ERR out, get one.
func refusalOf(text string) string {
	switch {
	case strings.HasPrefix(text, "Script attempted to access"):
		return "TRYAGAIN" // a slot that is being moved; scripts read first
	case strings.HasPrefix(text, "Script attempted to execute"):
		return "CLUSTERDOWN"
	case strings.HasPrefix(text, "max number of clients reached"):
		return "MAXCLIENTS"
	case strings.Contains(text, "AUTH <password> called without any password"):
		return "WRONGPASS"
	}
	word, _, _ := strings.Cut(text, " ")
	return word
}

// answered makes an error of what a server answered; nil where it was no answer
// that says that nothing was done.
func (s *Store) answered(err error) *store.Error {
	answer, ok := rueidis.IsRedisErr(err)
	if !ok || withinScript(answer.Error()) {
		return nil
	}
	word := refusalOf(answer.Error())
	known, ok := refusals[word]
	if !ok {
		return nil
	}
	e := s.fail(known.code, known.detail, err)
	e.Field = settings[word]
	return e
}

// withinScript says whether a script was ended because its user may not run a
// command in it, after others that it has run.
func withinScript(text string) bool {
	return strings.HasPrefix(text, "The user executing the script can't run") || strings.Contains(text, "ACL failure in script")
}

// unreached is what a call gets as long as there is no way to the server.
func (s *Store) unreached() *store.Error {
	e := s.fail(store.Unavailable, "the Redis server can't be reached", nil)
	if last := s.refused.Load(); last != nil {
		e.Err = last.Err
		if said := s.answered(last.Err); said != nil && said.Field == "" {
			e.Detail = said.Detail
		}
	}
	return e
}

// unsent says whether an error came up before anything was sent.
func unsent(err error) bool {
	return isHandshake(err) || isGreeting(err) || undialed(err) || errors.Is(err, rueidis.ErrNoAddr) || errors.Is(err, rueidis.ErrNoSlot)
}

// refusal is the error of a read, or of whatever else can't have written.
func (s *Store) refusal(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*store.Error](err); ok {
		return e
	}
	if e := s.answered(err); e != nil {
		return e
	}
	answer, isAnswer := rueidis.IsRedisErr(err)
	switch {
	case s.isClosed():
		return s.closed()
	case ctx.Err() != nil:
		return s.ended(ctx)
	case isAnswer && withinScript(answer.Error()):
		return s.unusableFor("url", refusals["NOPERM"].detail, err)
	case isAnswer || errors.Is(err, errDamaged):
		return s.fail(store.Internal, "the Redis server's answer makes no sense", err)
	}
	return s.fail(store.Unavailable, "the Redis server can't be reached", err)
}

// outcome is the error of a write. What may have been sent may have been done.
func (s *Store) outcome(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*store.Error](err); ok {
		return e
	}
	if e := s.answered(err); e != nil {
		return e
	}
	if unsent(err) {
		return s.refusal(ctx, err)
	}
	s.tallies.unknown.Add(1)
	what := "the connection to the Redis server broke before it answered"
	if _, isAnswer := rueidis.IsRedisErr(err); isAnswer {
		what = "the Redis server failed at the write"
	} else if ctx.Err() != nil {
		what = "the call ended before the Redis server answered"
	}
	return s.fail(store.Ambiguous, what+", and whether it has written is not known", err)
}
