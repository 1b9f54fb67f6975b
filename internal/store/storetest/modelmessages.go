package storetest

import (
	"bytes"
	"context"

	"larder/internal/store"
)

// Publish implements [store.PubSub].
func (m *Model) Publish(ctx context.Context, channel string, payload []byte) error {
	message := store.Message{Channel: channel, Payload: bytes.Clone(payload)}
	if err := message.Validate(m.options.Limits); err != nil {
		return m.fail(err)
	}
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	message.PublishedAt = m.now()
	for _, each := range m.fanouts {
		each.Deliver(message)
	}
	return nil
}

// Subscribe implements [store.PubSub].
func (m *Model) Subscribe(ctx context.Context, pattern string) (store.Subscription, error) {
	parsed, err := store.ParseChannelPattern(pattern)
	if err != nil {
		return nil, m.fail(err)
	}
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return m.messages.Subscribe(ctx, parsed, nil)
}
