package httpstore

import (
	"bytes"
	"io"
)

// stream looks at the lines of a body while they are read.
type stream struct {
	io.ReadCloser
	check  func(line []byte)
	events bool // lines that matter begin with "data: "

	line  []byte
	event string // the event that the line belongs to
}

// Read reads, and looks at each line that has come to its end.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.line = append(s.line, p[:n]...)
	for {
		line, rest, found := bytes.Cut(s.line, []byte("\n"))
		if !found {
			return n, err
		}
		s.take(line)
		s.line = rest
	}
}

func (s *stream) take(line []byte) {
	if !s.events {
		s.check(line)
		return
	}
	if name, found := bytes.CutPrefix(line, []byte("event: ")); found {
		s.event = string(name)
	}
	if data, found := bytes.CutPrefix(line, []byte("data: ")); found && s.event == "change" {
		s.check(data)
	}
}
