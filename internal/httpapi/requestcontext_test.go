package httpapi

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
)

func TestRequestContext(t *testing.T) {
	limited := func(t *testing.T, parent context.Context, d time.Duration) (context.Context, func()) {
		t.Helper()
		c := &requestContext{Context: parent, began: time.Now()}
		limit(c, d)
		return c, c.release
	}
	t.Run("has no end of its own before it is limited", func(t *testing.T) {
		c := &requestContext{Context: t.Context()}
		defer c.release()
		if at, ok := c.Deadline(); ok || c.Err() != nil {
			t.Errorf("it ends at %v, with %v", at, c.Err())
		}
	})
	t.Run("carries the route", func(t *testing.T) {
		route := chi.NewRouteContext()
		c := &requestContext{Context: t.Context(), route: route}
		defer c.release()
		if got := chi.RouteContext(c); got != route {
			t.Errorf("the route is %v", got)
		}
	})
	t.Run("ends by itself, watched", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, release := limited(t, t.Context(), time.Minute)
			defer release()
			<-ctx.Done()
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				t.Errorf("Err is %v", ctx.Err())
			}
		})
	})
	t.Run("ends by itself, not watched", func(t *testing.T) {
		ctx, release := limited(t, t.Context(), -time.Second)
		defer release()
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("Err is %v", ctx.Err())
		}
	})
	t.Run("ends with its parent", func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		ctx, release := limited(t, parent, time.Minute)
		defer release()
		if ctx.Err() != nil {
			t.Fatalf("Err is %v before anything has ended", ctx.Err())
		}
		done := ctx.Done()
		cancel()
		<-done
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("Err is %v", ctx.Err())
		}
	})
	t.Run("ends when released, for those who come late too", func(t *testing.T) {
		ctx, release := limited(t, t.Context(), time.Minute)
		release()
		<-ctx.Done()
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("Err is %v", ctx.Err())
		}
	})
	t.Run("is the parent's where that is sooner", func(t *testing.T) {
		parent, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ctx, release := limited(t, parent, time.Minute)
		defer release()
		at, ok := ctx.Deadline()
		if want, _ := parent.Deadline(); !ok || !at.Equal(want) {
			t.Errorf("the deadline is %v, the parent's %v", at, want)
		}
	})
}
