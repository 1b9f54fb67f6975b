package app

import (
	"errors"
	"testing"
	"time"

	"larder/api"
)

func TestLifeGoesForward(t *testing.T) {
	l := newLife(time.Now())
	for _, step := range []struct {
		enter state
		want  api.HealthStatus
	}{
		{starting, api.HealthStatusStarting},
		{running, api.HealthStatusRunning},
		{stopping, api.HealthStatusStopping},
		{running, api.HealthStatusStopping}, // too late
	} {
		l.enter(step.enter)
		if got := l.now().status(); got != step.want {
			t.Errorf("after %v it is %s, want %s", step.enter, got, step.want)
		}
		if welcome := l.now().reason() == ""; welcome != (step.want == api.HealthStatusRunning) {
			t.Errorf("while %s requests are welcome: %t", step.want, welcome)
		}
	}
	l.end(nil)
	if got := l.now(); got != stopped {
		t.Errorf("in the end it is %v", got)
	}
	failing := newLife(time.Now())
	failing.end(errors.New("gone"))
	if got := failing.now().status(); got != api.HealthStatusFailed {
		t.Errorf("after a failure it is %s", got)
	}
}
