package redisstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"syscall"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// connectError says, to the operator, why the server can't be used. Where waiting
// does not help, it names the setting that is wrong.
func (s *Store) connectError(ctx context.Context, err error) error {
	e := store.AsError(s.refusal(ctx, err))
	switch {
	case e.Code == store.Canceled || e.Code == store.Timeout:
		return e
	case errors.Is(err, rueidis.ErrNoCache):
		return s.unusable("cache", "the server lets larder keep no entries in its memory: it takes a Redis of 7.0 or newer whose user may run client|tracking; LARDER_REDIS_CACHE=0 does without")
	}
	if detail := s.misplaced(err); detail != "" {
		return s.unusableFor("url", detail, err)
	}
	if detail := untrusted(err); detail != "" {
		return s.unusableFor("url", detail, err)
	}
	switch {
	case e.Field != "":
		e.Detail = s.refusedUser(e.Detail, err)
	case hungUp(err) && s.address.tls == nil:
		e.Detail = "the Redis server hangs up when larder speaks: it may have no connection left, or speak TLS, for which the URL begins with rediss"
	case hungUp(err):
		e.Detail = "the Redis server hangs up when larder speaks: it may have no connection left, or ask for a certificate, the files of which are the URL's parameters cert and key"
	case isHandshake(err):
		e.Detail = "TLS does not come about with the Redis server in time; the URL of one that speaks none begins with redis"
	case undialed(err):
		e.Detail = "the Redis server can't be reached; check that it runs and that the URL's host and port are right"
	}
	return e
}

// unusable is the error for a server or keys that can't be worked with. field is
// the setting that is wrong.
func (s *Store) unusable(field, detail string) *store.Error {
	return s.unusableFor(field, detail, nil)
}

func (s *Store) unusableFor(field, detail string, cause error) *store.Error {
	e := s.fail(store.Unavailable, detail, cause)
	e.Field = field
	return e
}

// misplaced says what is wrong with the URL where the server has refused what would
// be right elsewhere; "" where that is not so.
func (s *Store) misplaced(err error) string {
	answer, ok := rueidis.IsRedisErr(err)
	if !ok {
		return ""
	}
	text := answer.Error()
	for _, known := range []struct{ begins, detail string }{
		{"DB index is out of range", "the server has no database of that number; correct the number that ends the URL's path"},
		{"SELECT is not allowed in cluster mode", s.nodeOfCluster()},
		{"This instance has cluster support disabled", s.noCluster()},
		{"unknown command 'SENTINEL'", "the server is no sentinel; the URL of a Redis without sentinels begins with " + s.address.scheme(standalone)},
		{"No such master with that name", "the sentinels know no master by the name that is in the URL's path"},
	} {
		if strings.HasPrefix(text, known.begins) {
			return known.detail
		}
	}
	return ""
}

func (s *Store) nodeOfCluster() string {
	return "the server is a node of a Redis Cluster, whose URL begins with " + s.address.scheme(cluster) + " and has no number of a database"
}

func (s *Store) noCluster() string {
	return "the server is no node of a Redis Cluster; the URL of a Redis for itself begins with " + s.address.scheme(standalone)
}

// untrusted says why TLS does not come about, where that will stay so; "" where it
// is not so.
func untrusted(err error) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the server does not speak TLS; the URL of one that speaks none begins with redis"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return "the Redis server refuses to speak TLS with larder; where it asks for a certificate, the files of one that it trusts are the URL's parameters cert and key"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		return ""
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the Redis server's certificate is not for the host in the URL; the parameter server_name says whom it is for"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "the Redis server's certificate has expired, or is not valid yet"
	}
	return "the Redis server's certificate is of no authority that is trusted; the URL's parameter ca names the file of those that are"
}

// hungUp says whether the server has closed the connection without a word. A refusal
// comes so as well, where what it says is lost on the way.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

var refusedCommand = regexp.MustCompile(`run the '([^']+)' command`)

// refusedUser adds to what is wrong with the user what would be right.
func (s *Store) refusedUser(detail string, err error) string {
	text := err.Error()
	command := refusedCommand.FindStringSubmatch(text)
	switch {
	case command != nil:
		return s.lacks([]string{command[1]})
	case strings.Contains(text, "one of the keys"):
		return "the Redis user may not use keys that begin with " + s.options.Prefix + "{; grant it ~" + s.options.Prefix + "{*"
	case s.address.kind == sentinel:
		return detail + "; what sentinels ask for are the URL's parameters sentinel_username and sentinel_password"
	}
	return detail
}
