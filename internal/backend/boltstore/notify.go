package boltstore

import "sync"

// notifier wakes those who wait for changes. Each waits for one table, or for
// all, and is woken by commits to that alone.
type notifier struct {
	mu     sync.Mutex
	topics map[string]chan struct{} // by table, "" for all; made when somebody waits
}

// next gives a channel that is closed by the next commit to the table, "" for
// any. Whoever asks before reading misses nothing.
func (n *notifier) next(table string) <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	topic := n.topics[table]
	if topic == nil {
		if n.topics == nil {
			n.topics = make(map[string]chan struct{})
		}
		topic = make(chan struct{})
		n.topics[table] = topic
	}
	return topic
}

// wake tells of a commit to these tables.
func (n *notifier) wake(tables map[string]*tableTx) {
	n.mu.Lock()
	defer n.mu.Unlock()
	woken := false
	for name, t := range tables {
		if t.changed {
			n.close(name)
			woken = true
		}
	}
	if woken {
		n.close("")
	}
}

func (n *notifier) close(topic string) {
	if waited := n.topics[topic]; waited != nil {
		close(waited)
		delete(n.topics, topic)
	}
}
