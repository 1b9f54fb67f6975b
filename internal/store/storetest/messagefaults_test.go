package storetest

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"larder/internal/store"
)

func messageFaults() []fault {
	return []fault{
		{name: "a message comes twice", topic: Messages, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, publish: func(ctx context.Context, channel string, payload []byte) error {
				if err := m.Publish(ctx, channel, payload); err != nil {
					return err
				}
				return m.Publish(ctx, channel, payload)
			}}
		}},
		{name: "a message gets lost now and then", topic: Messages, wrap: func(m *Model) store.Store {
			var published atomic.Int64
			return &wrong{Model: m, publish: func(ctx context.Context, channel string, payload []byte) error {
				if published.Add(1)%30 == 0 {
					return nil
				}
				return m.Publish(ctx, channel, payload)
			}}
		}},
		{name: "two messages change places", topic: Messages, wrap: func(m *Model) store.Store {
			return eachSubscription(m, func(s store.Subscription) store.Subscription { return &hasty{Subscription: s} })
		}},
		{name: "payloads go through floats", topic: Messages, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, publish: func(ctx context.Context, channel string, payload []byte) error {
				return m.Publish(ctx, channel, throughFloats(payload))
			}}
		}},
		{name: "patterns know no escapes", topic: Messages, wrap: eachPattern(func(text string) string { return strings.ReplaceAll(text, `\`, "") })},
		{name: "any one character is any characters", topic: Messages, wrap: eachPattern(func(text string) string { return strings.ReplaceAll(text, "?", "*") })},
		{name: "a character is a byte", topic: Messages, wrap: eachPattern(func(text string) string { return strings.ReplaceAll(text, "é?", "é") })},
		{name: "a pattern need not match to the end", topic: Messages, wrap: eachPattern(func(text string) string {
			if strings.ContainsAny(text, "*?") {
				return text + "*"
			}
			return text
		})},
		{name: "channels lose their case", topic: Messages, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, pattern: strings.ToLower, publish: func(ctx context.Context, channel string, payload []byte) error {
				return m.Publish(ctx, strings.ToLower(channel), payload)
			}}
		}},
		{name: "a subscription begins late", topic: Messages, wrap: func(m *Model) store.Store {
			return eachSubscription(m, func(s store.Subscription) store.Subscription { return &late{Subscription: s} })
		}},
		{name: "one that is slow holds up all", topic: Messages, wrap: func(m *Model) store.Store {
			var subscriptions sync.Map
			return &wrong{
				Model: m,
				subscribed: func(pattern string, s store.Subscription) store.Subscription {
					b := &blocking{Subscription: s, pattern: pattern}
					subscriptions.Store(b, true)
					return b
				},
				publish: func(ctx context.Context, channel string, payload []byte) error {
					for s := range subscriptions.Range {
						if s.(*blocking).isFull(channel) {
							<-ctx.Done()
							return ctx.Err()
						}
					}
					return m.Publish(ctx, channel, payload)
				},
			}
		}},
		{name: "one that is slow is not told", topic: Messages, wrap: func(m *Model) store.Store {
			return eachSubscription(m, func(s store.Subscription) store.Subscription { return &silent{Subscription: s} })
		}},
		{name: "one store's messages are its own", topic: Messages, wrap: func(m *Model) store.Store {
			return NewModel(m.options)
		}},
		{name: "bad channels are taken", topic: Messages, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, publish: func(ctx context.Context, channel string, payload []byte) error {
				if store.ValidateChannel(channel) != nil {
					channel = "c"
				}
				return m.Publish(ctx, channel, payload)
			}}
		}},
		{name: "closing a subscription does nothing", topic: Messages, wrap: func(m *Model) store.Store {
			return eachSubscription(m, func(s store.Subscription) store.Subscription { return &lasting{s} })
		}},
		{name: "closing the store leaves its subscriptions", topic: Messages, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, close: func() error { return nil }}
		}},
	}
}

func eachPattern(change func(text string) string) func(m *Model) store.Store {
	return func(m *Model) store.Store { return &wrong{Model: m, pattern: change} }
}

func eachSubscription(m *Model, wrap func(s store.Subscription) store.Subscription) *wrong {
	return &wrong{Model: m, subscribed: func(_ string, s store.Subscription) store.Subscription { return wrap(s) }}
}

// hasty gives the tenth message before the ninth.
type hasty struct {
	store.Subscription
	read int
	held *store.Message
}

func (h *hasty) Next(ctx context.Context) (store.Message, error) {
	if h.held != nil {
		m := *h.held
		h.held = nil
		return m, nil
	}
	m, err := h.Subscription.Next(ctx)
	if h.read++; h.read != 9 || err != nil {
		return m, err
	}
	h.held = &m
	return h.Subscription.Next(ctx)
}

// late misses what comes first.
type late struct {
	store.Subscription
	begun sync.Once
}

func (l *late) Next(ctx context.Context) (store.Message, error) {
	var err error
	l.begun.Do(func() { _, err = l.Subscription.Next(ctx) })
	if err != nil {
		return store.Message{}, err
	}
	return l.Subscription.Next(ctx)
}

// blocking has to be read before more is published.
type blocking struct {
	store.Subscription
	pattern string
	waiting atomic.Int64
}

func (b *blocking) isFull(channel string) bool {
	pattern, err := store.ParseChannelPattern(b.pattern)
	return err == nil && pattern.Match(channel) && b.waiting.Add(1) == store.MaxWaitingMessages
}

func (b *blocking) Next(ctx context.Context) (store.Message, error) {
	m, err := b.Subscription.Next(ctx)
	b.waiting.Add(-1)
	return m, err
}

// silent passes over the end of one that is slow.
type silent struct{ store.Subscription }

func (s *silent) Next(ctx context.Context) (store.Message, error) {
	m, err := s.Subscription.Next(ctx)
	if store.CodeOf(err) == store.SlowConsumer {
		<-ctx.Done()
		return m, ctx.Err()
	}
	return m, err
}

// lasting can't be closed.
type lasting struct{ store.Subscription }

func (*lasting) Close() {}
