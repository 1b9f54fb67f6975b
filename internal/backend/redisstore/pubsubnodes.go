package redisstore

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// nodesFor is how long a node of a Cluster is used before it is seen whether it
// still belongs to it. The client closes what does not some seconds later.
const nodesFor = time.Second

// nodes picks a server to publish at, or to subscribe at. In a Cluster any will do.
// It stays with one as long as that serves, which keeps the order of what is
// published there.
type nodes struct {
	mu      sync.Mutex
	address string         // of the node in use; "": none has been yet
	client  rueidis.Client // nil: another is to be picked
	count   int
	until   time.Time
}

// pick gives the server, and how many there are.
func (n *nodes) pick(l *link) (client rueidis.Client, count int) {
	if l.client.Mode() != rueidis.ClientModeCluster {
		return l.client, 1
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if n.client != nil && now.Before(n.until) {
		return n.client, n.count
	}
	all := l.client.Nodes()
	addresses := slices.Sorted(maps.Keys(all))
	if len(addresses) == 0 {
		return l.client, 1
	}
	at, known := slices.BinarySearch(addresses, n.address)
	switch {
	case n.address == "":
		at = rand.IntN(len(addresses)) // so that not all gateways use one
	case known && n.client == nil:
		at++
	}
	n.address, n.count, n.until = addresses[at%len(addresses)], len(addresses), now.Add(nodesFor)
	n.client = all[n.address]
	return n.client, n.count
}

// leave has another one be picked than this, which has failed.
func (n *nodes) leave(client rueidis.Client) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.client == client {
		n.client = nil
	}
}
