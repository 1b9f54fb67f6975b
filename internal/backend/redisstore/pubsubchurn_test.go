package redisstore

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
)

// TestSubscribersComeAndGoWhileLinksBreak has many subscribe, hear themselves or of a
// gap, and leave. In the end nothing is left of them.
func TestSubscribersComeAndGoWhileLinksBreak(t *testing.T) {
	t.Parallel()
	const clients, rounds = 8, 40
	proxy, f, other := listenThroughProxy(t)
	patterns := []string{"c", "c*", "*", "d", "?"}
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for round := range rounds {
				if err := f.hearsOf(other, patterns[(c+round)%len(patterns)], []byte(fmt.Sprintf(`"%d-%d"`, c, round))); err != nil {
					t.Errorf("client %d, round %d: %v", c, round, err)
					return
				}
				if c == 0 {
					proxy.CutAll()
				}
			}
		})
	}
	all.Wait()
	poll(t, "all to be forgotten", func() bool {
		f.pubsub.mu.RLock()
		defer f.pubsub.mu.RUnlock()
		return len(f.pubsub.audiences) == 0 && !f.pubsub.kept
	})
	s := f.subscribe("c")
	other.publish("c", `"last"`)
	comes(t, s, "c", `"last"`)
}

// hearsOf subscribes once that can be done, publishes through the other store, and
// waits for that or for a gap.
func (f *fixture) hearsOf(other *fixture, pattern string, payload []byte) error {
	ctx, cancel := contextOf(f.t, time.Minute)
	defer cancel()
	var s store.Subscription
	for {
		var err error
		if s, err = f.Subscribe(ctx, pattern); err == nil {
			break
		}
		if !errors.Is(err, store.Unavailable) || ctx.Err() != nil {
			return err
		}
	}
	defer s.Close()
	channel := map[string]string{"c": "c", "c*": "cc", "*": "e", "d": "d", "?": "d"}[pattern]
	if err := other.Publish(ctx, channel, payload); err != nil {
		return err
	}
	for {
		m, err := s.Next(ctx)
		if err != nil || m.Gap || string(m.Payload) == string(payload) {
			return err
		}
	}
}

// TestCloseWhileNothingComes closes a store whose server is gone, and one whose
// server does not answer.
func TestCloseWhileNothingComes(t *testing.T) {
	t.Parallel()
	for _, stop := range []func(*testenv.RedisServer){
		func(server *testenv.RedisServer) { server.Kill(t) },
		func(server *testenv.RedisServer) { server.Pause(t) },
	} {
		server := testenv.StartRedis(t, testenv.RedisOptions{})
		f := openOn(t, server.URL)
		s := f.subscribe("c")
		stop(server)
		waits := make(chan error, 1)
		go func() {
			_, err := f.Subscribe(t.Context(), "d")
			waits <- err
		}()
		began := time.Now()
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("closing took %s", took)
		}
		fails(t, "subscribing meanwhile", <-waits, store.Unavailable)
		_, err := s.Next(t.Context())
		fails(t, "the subscription", err, store.Unavailable)
	}
}
