package store

import (
	"context"
	"time"
)

// PubSub carries messages to those who are subscribed, through this store and
// through every other one over the same engine. Nobody keeps a message: it
// comes at most once, and to whoever subscribes after it has come not at all.
type PubSub interface {
	// Publish sends a message to a channel, whether or not anybody is
	// subscribed. The payload is canonical JSON of at most
	// Limits.MaxValueBytes. It fails with InvalidChannel, InvalidJSON and
	// TooLarge; with Ambiguous the message may have been sent.
	Publish(ctx context.Context, channel string, payload []byte) error

	// Subscribe begins to receive what is published on the channels that a
	// pattern matches (ChannelPattern), and fails with InvalidChannel where it
	// is none. It returns once the subscription is in effect: whatever anybody
	// publishes from then on is delivered, each message once, and those of one
	// publisher in their order. The subscription lasts until it is closed, ctx
	// ends, the store is closed, or it is too slow.
	Subscribe(ctx context.Context, pattern string) (Subscription, error)
}

// Subscription is a stream of messages. Close may be called from anywhere, Next
// by one goroutine at a time.
type Subscription interface {
	// Next waits for the next message. Where ctx ends first it fails with
	// Timeout or Canceled, and the subscription goes on. Every other error is
	// its end, and stays so:
	//
	//   - SlowConsumer: more messages waited than MaxWaitingMessages or
	//     MaxWaitingBytes allow. Those that did wait come first.
	//   - Unavailable: the store was closed.
	//   - Timeout, Canceled: the context that it was made with has ended, or it
	//     was closed.
	//
	// A broken link to the engine ends nothing. Once what is published is
	// delivered again, a message with Gap says that some may be missing.
	Next(ctx context.Context) (Message, error)

	// Close ends the subscription. It may be called again.
	Close()
}

// How much may wait for a subscriber. Beyond either it is dropped; a single
// message of any size may wait.
const (
	MaxWaitingMessages = 256
	MaxWaitingBytes    = 4 << 20 // of payloads
)

// Message is what comes of a Subscription.
type Message struct {
	Channel     string
	Payload     []byte    // canonical JSON; others may hold the same bytes, so nobody changes them
	PublishedAt time.Time // by the clock of the gateway it was published through

	// Gap makes it a notice and no message: anything that was published before
	// it may have been lost, nothing after it.
	Gap bool
}

// Validate checks a message that is to be published.
func (m Message) Validate(lim Limits) error {
	if err := ValidateChannel(m.Channel); err != nil {
		return err
	}
	switch size := len(m.Payload); {
	case size == 0:
		return invalid(InvalidJSON, "payload", "a message's payload is any JSON")
	case size > lim.MaxValueBytes:
		return invalid(TooLarge, "payload", "a payload has at most %d bytes, this one has %d", lim.MaxValueBytes, size)
	}
	return nil
}
