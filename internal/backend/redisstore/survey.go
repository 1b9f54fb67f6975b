package redisstore

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// survey is what the servers that hold the store tell.
type survey []server

// survey asks all of them. One that does not answer fails it: what the others tell
// would be taken for the whole.
func (s *Store) survey(ctx context.Context, l *link) (survey, error) {
	holders, err := s.holders(ctx, l)
	if err != nil {
		return nil, err
	}
	found, errs := make(survey, len(holders)), make([]error, len(holders))
	var all sync.WaitGroup
	for i := range holders {
		all.Go(func() { found[i], errs[i] = s.askServer(ctx, holders[i]) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// holders are the servers that hold one of the store's shards, without replicas.
func (s *Store) holders(ctx context.Context, l *link) ([]rueidis.Client, error) {
	nodes := l.client.Nodes()
	if l.client.Mode() != rueidis.ClientModeCluster {
		return slices.Collect(maps.Values(nodes)), nil
	}
	ranges, err := l.client.Do(ctx, l.client.B().ClusterSlots().Build()).ToArray()
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	byAddress := make(map[string]rueidis.Client)
	for i := range ranges {
		first, last, host, port, err := readSlots(&ranges[i])
		if err != nil {
			return nil, s.damage(err)
		}
		if !slices.ContainsFunc(l.shards, func(d shard) bool { return first <= int64(d.slot) && int64(d.slot) <= last }) {
			continue
		}
		address, known := nodeAt(nodes, host, port)
		if !known {
			return nil, s.fail(store.Unavailable, "the nodes of the Redis Cluster are changing", nil)
		}
		byAddress[address] = nodes[address]
	}
	return slices.Collect(maps.Values(byAddress)), nil
}

// readSlots reads one range of CLUSTER SLOTS: the slots, and where their master is.
func readSlots(m *rueidis.RedisMessage) (first, last int64, host string, port int64, err error) {
	parts, err := m.ToArray()
	if err != nil || len(parts) < 3 {
		return 0, 0, "", 0, damagedf("a range of slots has %d parts", len(parts))
	}
	first, firstErr := parts[0].AsInt64()
	last, lastErr := parts[1].AsInt64()
	master, masterErr := parts[2].ToArray()
	if masterErr != nil || len(master) < 2 {
		return 0, 0, "", 0, damagedf("a node has %d parts", len(master))
	}
	host, hostErr := master[0].ToString()
	port, portErr := master[1].AsInt64()
	if rueidis.IsRedisNil(hostErr) {
		hostErr = nil // a node that does not know where it is
	}
	return first, last, host, port, errors.Join(firstErr, lastErr, hostErr, portErr)
}

// nodeAt finds the node that the client knows at an address. One that was never
// told its own is known by its port.
func nodeAt(nodes map[string]rueidis.Client, host string, port int64) (address string, known bool) {
	text := strconv.FormatInt(port, 10)
	if host != "" {
		address = net.JoinHostPort(host, text)
		return address, nodes[address] != nil
	}
	for address := range nodes {
		if strings.HasSuffix(address, ":"+text) {
			return address, true
		}
	}
	return "", false
}

// all is what the servers have of something: each value once, in order.
func (v survey) all(of func(*server) string) string {
	var values []string
	for i := range v {
		values = append(values, of(&v[i]))
	}
	slices.Sort(values)
	return strings.Join(slices.Compact(values), ", ")
}

func (v survey) sum(of func(*server) float64) (n float64) {
	for i := range v {
		n += of(&v[i])
	}
	return n
}

func (v survey) any(is func(*server) bool) bool {
	for i := range v {
		if is(&v[i]) {
			return true
		}
	}
	return false
}
