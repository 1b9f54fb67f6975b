package testenv

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	sentinelMaster = "main" // the name that sentinels know the master by
	sentinelQuorum = 2
)

// How long a master may be silent before sentinels fail over. A master of a
// test's own is to be replaced soon. The shared one is never to be, however
// busy the machine is.
const (
	downSoon  = 1500 * time.Millisecond
	downNever = 10 * time.Minute
)

// SentinelServers are a master, its replica and the three sentinels that watch
// over them.
type SentinelServers struct {
	URL       string         // redis+sentinel://127.0.0.1:PORT,127.0.0.1:PORT,127.0.0.1:PORT/NAME/0
	Nodes     []*RedisServer // the first master, and the first replica
	Sentinels []*RedisServer
}

// StartSentinel starts them all, and gives them when the replica is in sync and
// the sentinels know of each other. A master that is silent for half a second
// is replaced. The test's end stops all and removes their data. The options are
// those of the master and the replica; Dir has to be empty.
func StartSentinel(t testing.TB, o RedisOptions) *SentinelServers {
	t.Helper()
	s, err := startSentinel(o, downSoon)
	if err != nil {
		t.Fatalf("Redis with sentinels: %v", err)
	}
	for _, one := range s.all() {
		one.own(t, true)
	}
	return s
}

// RedisSentinel gives a site on a master with sentinels, which don't fail over.
func RedisSentinel(t testing.TB) RedisSite {
	t.Helper()
	s, err := startSharedSentinel()
	if err != nil {
		t.Fatalf("Redis with sentinels: %v", err)
	}
	return newSite(s.URL)
}

var startSharedSentinel = sync.OnceValues(func() (*SentinelServers, error) {
	return startSentinel(RedisOptions{}, downNever)
})

// Master gives the node that the sentinels say is the master, whether it runs
// or not.
func (s *SentinelServers) Master(t testing.TB) *RedisServer {
	t.Helper()
	for _, sentinel := range s.Sentinels {
		if sentinel.process == nil {
			continue
		}
		if master := s.masterBy(sentinel); master != nil {
			return master
		}
	}
	t.Fatal("no sentinel names a master")
	return nil
}

// AwaitFailover waits until every sentinel that runs names one other master
// than the one before, which takes writes, and gives it.
func (s *SentinelServers) AwaitFailover(t testing.TB, before *RedisServer) *RedisServer {
	t.Helper()
	var master *RedisServer
	err := await(time.Minute, func() (bool, error) {
		master = nil
		for _, sentinel := range s.Sentinels {
			if sentinel.process == nil {
				continue
			}
			named := s.masterBy(sentinel)
			if named == nil || named == before || (master != nil && named != master) {
				return false, nil
			}
			master = named
		}
		return master != nil && master.replication()["role"] == "master", nil
	})
	if err != nil {
		t.Fatalf("a failover from %s: %v", before.Address, err)
	}
	return master
}

// AwaitReplicas waits until every node that runs, but the master, is a replica
// of it and has all that it has by then. Where the sentinels of a busy machine
// choose another meanwhile, it is that one's replicas that count.
func (s *SentinelServers) AwaitReplicas(t testing.TB) {
	t.Helper()
	err := await(time.Minute, func() (bool, error) {
		master := s.Master(t)
		return s.inSync(master, offset(master.replication(), "master_repl_offset")), nil
	})
	if err != nil {
		t.Fatalf("the replicas of %s: %v", s.Master(t).Address, err)
	}
}

// inSync says whether all nodes but the master have what it has written up to
// some place.
func (s *SentinelServers) inSync(master *RedisServer, upTo int64) bool {
	for _, node := range s.Nodes {
		if node == master || node.process == nil {
			continue
		}
		now := node.replication()
		if now["master_port"] != strconv.Itoa(master.Port) || now["master_link_status"] != "up" || offset(now, "slave_repl_offset") < upTo {
			return false
		}
	}
	return true
}

// masterBy is the node that a sentinel says is the master; nil if it says
// nothing.
func (s *SentinelServers) masterBy(sentinel *RedisServer) *RedisServer {
	reply, err := sentinel.Try("SENTINEL", "GET-MASTER-ADDR-BY-NAME", sentinelMaster)
	address, _ := reply.([]any)
	if err != nil || len(address) != 2 {
		return nil
	}
	i := slices.IndexFunc(s.Nodes, func(node *RedisServer) bool { return strconv.Itoa(node.Port) == address[1] })
	if i < 0 {
		return nil
	}
	return s.Nodes[i]
}

// replication is the section of INFO; empty if the server does not say.
func (s *RedisServer) replication() map[string]string {
	reply, err := s.Try("INFO", "replication")
	if err != nil {
		return nil
	}
	text, _ := reply.(string)
	return infoFields(text)
}

// offset is a place in what a master has written; -1 if it is not told.
func offset(replication map[string]string, name string) int64 {
	n, err := strconv.ParseInt(replication[name], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (s *SentinelServers) all() []*RedisServer { return slices.Concat(s.Sentinels, s.Nodes) }

func startSentinel(o RedisOptions, downAfter time.Duration) (*SentinelServers, error) {
	s := &SentinelServers{}
	if err := s.start(o, downAfter); err != nil {
		return nil, errors.Join(err, discard(s.all()))
	}
	return s, nil
}

// discard ends servers that are of no use.
func discard(servers []*RedisServer) error {
	var failed error
	for _, one := range servers {
		failed = errors.Join(failed, one.stop(syscall.SIGKILL))
	}
	return failed
}

func (s *SentinelServers) start(o RedisOptions, downAfter time.Duration) error {
	for range 2 {
		node, err := newRedis(o)
		if err != nil {
			return err
		}
		if len(s.Nodes) > 0 {
			node.settings["replicaof"] = "127.0.0.1 " + strconv.Itoa(s.Nodes[0].Port)
		}
		s.Nodes = append(s.Nodes, node)
		if err := node.start(); err != nil {
			return err
		}
	}
	if err := await(time.Minute, func() (bool, error) { return s.inSync(s.Nodes[0], 0), nil }); err != nil {
		return fmt.Errorf("the replica: %w", err)
	}
	var addresses []string
	for range 3 {
		sentinel, err := newSentinel(s.Nodes[0], downAfter)
		if err != nil {
			return err
		}
		s.Sentinels = append(s.Sentinels, sentinel)
		if err := sentinel.start(); err != nil {
			return err
		}
		if _, err := sentinel.Try(hurry...); err != nil {
			return fmt.Errorf("%q: %w", hurry, err)
		}
		addresses = append(addresses, sentinel.Address)
	}
	address := url.URL{Scheme: "redis+sentinel", Host: strings.Join(addresses, ","), Path: "/" + sentinelMaster + "/0"}
	if o.Password != "" {
		address.User = url.UserPassword("", o.Password)
	}
	s.URL = address.String()
	return s.acquainted()
}

// hurry has a sentinel look around more often, and not stop for half a minute
// when a busy machine has held it up.
var hurry = []string{"SENTINEL", "DEBUG", "INFO-PERIOD", "200", "PUBLISH-PERIOD", "200", "ASK-PERIOD", "200", "TILT-TRIGGER", "30000", "TILT-PERIOD", "1000"}

// newSentinel makes a sentinel that watches a master.
func newSentinel(master *RedisServer, downAfter time.Duration) (*RedisServer, error) {
	s, err := newRedis(RedisOptions{})
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"save", "appendonly", "repl-diskless-sync-delay"} {
		delete(s.settings, name)
	}
	s.arguments = []string{"--sentinel"}
	s.ready = "Sentinel ID is"
	s.lines = []string{
		fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d %d", sentinelMaster, master.Port, sentinelQuorum),
		fmt.Sprintf("sentinel down-after-milliseconds %s %d", sentinelMaster, downAfter.Milliseconds()),
		fmt.Sprintf("sentinel failover-timeout %s 2000", sentinelMaster),
	}
	if master.password != "" {
		s.lines = append(s.lines, fmt.Sprintf("sentinel auth-pass %s %q", sentinelMaster, master.password))
	}
	return s, nil
}

// acquainted waits until each sentinel knows of the replica and of the others,
// so that they can fail over.
func (s *SentinelServers) acquainted() error {
	return await(time.Minute, func() (bool, error) {
		for _, sentinel := range s.Sentinels {
			reply, err := sentinel.Try("SENTINEL", "MASTER", sentinelMaster)
			if err != nil {
				return false, err
			}
			pairs, _ := reply.([]any)
			known := make(map[any]any, len(pairs)/2)
			for pair := range slices.Chunk(pairs, 2) {
				known[pair[0]] = pair[len(pair)-1]
			}
			if known["num-slaves"] != "1" || known["num-other-sentinels"] != "2" || known["flags"] != "master" {
				return false, nil
			}
		}
		return true, nil
	})
}
