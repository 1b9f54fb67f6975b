package config

import "strings"

// Error is everything that is wrong with the settings.
type Error struct {
	Problems []Problem
}

// Problem is one thing that is wrong.
type Problem struct {
	Setting string // as the operator wrote it: LARDER_LISTEN, or larder.yaml:3: listen
	Detail  string // what is wrong and what would be right; no secrets
}

// Lines gives each problem as one line.
func (e *Error) Lines() []string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Setting + ": " + p.Detail
	}
	return lines
}

// Error gives all lines.
func (e *Error) Error() string { return strings.Join(e.Lines(), "\n") }
