package health

import "time"

// State is how a backend is.
type State uint8

// The states.
const (
	Up         State = iota
	Suspect          // it failed to answer once
	Down             // it does not answer
	Recovering       // it answers again, and not all that follow it have caught up
	Fenced           // another has taken its place
)

var stateNames = [...]string{Up: "up", Suspect: "suspect", Down: "down", Recovering: "recovering", Fenced: "fenced"}

// String is the state's name in the contract.
func (s State) String() string { return stateNames[s] }

// Condition is how a backend is at a time.
type Condition struct {
	State State
	Since time.Time     // when it came to be so
	Err   error         // of the last ping; nil: it answered
	Waits string        // what is waited for, or why it is fenced; "": nothing
	Took  time.Duration // the last ping
}

// beat is what one look at a backend came to.
type beat struct {
	at     time.Time // when it began
	took   time.Duration
	err    error
	fenced string                       // why it must not be used; ""
	waits  func(since time.Time) string // what has not caught up since then; nil: nothing waits
}

// after says how the backend is after another look at it. slow is what a ping may take that
// fails, without being taken for two.
func (c Condition) after(b beat, slow time.Duration) Condition {
	next := Condition{State: c.State, Since: c.Since, Err: b.err, Took: b.took}
	switch {
	case b.err != nil:
		next.Since, next.State = c.failing(b, slow)
	case b.fenced != "":
		next.State, next.Waits = Fenced, b.fenced
	case c.State == Suspect:
		next.State = Up
	case c.State == Down || c.State == Fenced:
		next.State = Recovering
	}
	if next.State != c.State && b.err == nil {
		next.Since = b.at
	}
	if next.State != Recovering {
		return next
	}
	if b.waits != nil {
		next.Waits = b.waits(next.Since)
	}
	if next.Waits == "" {
		next.State, next.Since = Up, b.at
	}
	return next
}

// failing is the state after a ping that failed, and since when it is so.
func (c Condition) failing(b beat, slow time.Duration) (time.Time, State) {
	switch {
	case c.State == Down:
		return c.Since, Down
	case c.State == Suspect || c.State == Recovering || b.took >= slow:
		return b.at, Down
	}
	return b.at, Suspect
}
