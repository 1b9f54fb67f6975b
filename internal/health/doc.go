// Package health knows of a backend whether it serves, and since when.
//
//	w := health.Watch(health.Options{Ping: s.Ping, Waits: func(since time.Time) string { … }})
//	defer w.Close()
//	w.Now().State // up, suspect, down, recovering or fenced
//
// A backend is up until it fails to answer; then it is suspect, and down where it fails
// again at once, or took long for it. When it answers again it is recovering, until
// whatever follows it has caught up, and only then up. One whose place another backend
// has taken is fenced, for as long as that says so.
//
//	         fails             fails again
//	up ───────────▶ suspect ───────────────▶ down
//	 ▲ ◀───────────    │                      │ answers
//	 │     answers                            ▼
//	 └───────────────────────────────── recovering
//	           all have caught up
package health
