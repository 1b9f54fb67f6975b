package app

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/config"
	"larder/internal/store"
)

// TestTriesLeaveNothing: however often it was tried in vain to open a backend that is absent,
// what was counted of it goes when it is removed.
func TestTriesLeaveNothing(t *testing.T) {
	t.Parallel()
	a := guarding(nil)
	a.options.Open = func(context.Context, config.Config, config.Backend, zerolog.Logger) (store.Store, error) {
		return nil, &store.Error{Code: store.Unavailable}
	}
	members := &registry{app: a, fence: func(string) string { return "" }}
	d := &additions{app: a, members: members}
	d.use(func(string) { t.Error("it has arrived") })
	m := members.absence(overNetwork, errAway)
	members.add(m)
	m.counts.Call("get").Observe(time.Millisecond, "")
	for range 3 {
		if err := d.tryAgain(t.Context(), m); store.CodeOf(err) != store.Unavailable {
			t.Errorf("a try gave %v", err)
		}
	}
	if told := a.calls.Of(m.name); told.Requests != 1 {
		t.Errorf("while it is there, %+v is told of it", told)
	}
	members.remove(m)
	if told := a.calls.Of(m.name); told.Requests != 0 {
		t.Errorf("once it is removed, %+v is told of it still", told)
	}
}
