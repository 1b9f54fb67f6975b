package testenv

import (
	"bufio"
	"strings"
	"sync"
)

// redisLink is one connection to Redis through the proxy.
type redisLink struct {
	*link
	redis *RedisProxy

	mu       sync.Mutex
	resp3    bool
	asked    int          // commands that are replied to
	answered int          // replies
	watched  map[int]bool // whose reply is to be lost, by number; true: if CutAfterCommand still waits
}

// forward carries what the client says.
func (l *redisLink) forward() {
	defer l.close()
	r := bufio.NewReaderSize(l.client, 32<<10)
	for {
		command, err := readValue(r)
		if err != nil {
			return
		}
		cut, once := l.redis.decide(command)
		if cut == LoseCommand {
			l.cut()
			return
		}
		l.expect(command, cut, once)
		if !l.ask(command) {
			return
		}
	}
}

// expect counts a command that a reply is to come for.
func (l *redisLink) expect(command respValue, cut CommandCut, once bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	words := command.words()
	if len(words) == 0 { // an empty line, which the server overlooks
		return
	}
	switch strings.ToUpper(words[0]) {
	case "HELLO":
		l.resp3 = len(words) > 1 && words[1] == "3"
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE":
		if l.resp3 { // what comes for these is pushed
			return
		}
	}
	l.asked++
	if cut == LoseReply {
		l.watched[l.asked] = once
	}
}

// backward carries what the server says.
func (l *redisLink) backward() {
	defer l.close()
	r := bufio.NewReaderSize(l.server, 32<<10)
	for {
		reply, err := readValue(r)
		if err != nil {
			return
		}
		if l.loses(reply) {
			l.cut()
			return
		}
		if !l.told() || !l.tell(reply, r) {
			return
		}
	}
}

// loses says whether the connection is to break in place of this reply.
func (l *redisLink) loses(reply respValue) bool {
	if reply.pushed() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered++
	once, watched := l.watched[l.answered]
	delete(l.watched, l.answered)
	return watched && !reply.failed() && (!once || l.redis.disarm())
}
