package app

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"
)

// cleanupTimeout bounds each clean-up that has no bound of its own.
const cleanupTimeout = 2 * time.Minute

// cleanups are what has to be put away in the end, the latest first.
type cleanups struct {
	log   zerolog.Logger
	steps []cleanup
}

type cleanup struct {
	name string
	do   func() error
}

// later remembers what to do in the end.
func (c *cleanups) later(name string, do func() error) {
	c.steps = append(c.steps, cleanup{name, do})
}

// away does it all, whatever fails. One that does not return in time is left
// behind: the process ends anyway.
func (c *cleanups) away() error {
	var failures []error
	for _, step := range slices.Backward(c.steps) {
		began := time.Now()
		if err := step.within(cleanupTimeout); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", step.name, err))
		}
		c.log.Debug().Str("part", step.name).Dur("took_ms", time.Since(began)).Msg("put away")
	}
	c.steps = nil
	return errors.Join(failures...)
}

func (c cleanup) within(limit time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- c.do() }()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case err := <-done:
		return err
	case <-timeout.C:
		return fmt.Errorf("not done after %v", limit)
	}
}
