// Command noskips reads what `go test -json` wrote and fails if a test was
// skipped, or if none ran at all:
//
//	gotestsum --jsonfile .task/test.json -- ./...
//	noskips .task/test.json
//
// A skipped test looks like a passed one in a summary; here it is a failure.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: noskips FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "noskips:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	events, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return check(bytes.NewReader(events))
}

// check reports the tests that r, a stream of test2json events, says were
// skipped. A package without tests is skipped too, in go test's words, but has
// no test to name and is let through.
func check(r io.Reader) error {
	var skipped []error
	passed := 0
	for d := json.NewDecoder(r); ; {
		var e struct{ Action, Package, Test string }
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("not a stream of test events: %w", err)
		}
		switch {
		case e.Test == "":
		case e.Action == "pass":
			passed++
		case e.Action == "skip":
			skipped = append(skipped, fmt.Errorf("%s %s was skipped", e.Package, e.Test))
		}
	}
	if passed == 0 {
		skipped = append(skipped, errors.New("no test passed"))
	}
	return errors.Join(skipped...)
}
