// Command filelint checks the project's files as files:
//
//		filelint DIR
//
//	  - a Go, TypeScript, JavaScript or SQL source written by hand has at most 400 lines;
//	  - no file names the host of a package registry or a checksum service, so that
//	    whatever mirror a machine is set up with is used.
//
// It looks at what git tracks in DIR, and at what is new there and not ignored.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxLines is how long a file may be. A longer one holds two things.
const maxLines = 400

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: filelint DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string) error {
	list := exec.CommandContext(context.Background(), "git", "-C", dir, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	out, err := list.Output()
	if err != nil {
		return fmt.Errorf("filelint: %v: %w", list, err)
	}
	names := strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
	if len(names) == 0 {
		return fmt.Errorf("filelint: git knows no file in %s", dir)
	}
	var faults []error
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and not yet committed so
		}
		if err != nil {
			return fmt.Errorf("filelint: %w", err)
		}
		faults = append(faults, check(name, data)...)
	}
	return errors.Join(faults...)
}

// check returns what is wrong with the file of that slash-separated name.
func check(name string, data []byte) []error {
	var faults []error
	if n := bytes.Count(data, []byte("\n")); n > maxLines && byHand(name, data) {
		faults = append(faults, fmt.Errorf("%s: %d lines; at most %d, a thing per file", name, n, maxLines))
	}
	for i, line := range bytes.Split(data, []byte("\n")) {
		for _, host := range registries() {
			if bytes.Contains(line, []byte(host)) {
				faults = append(faults, fmt.Errorf("%s:%d: names the registry host %s", name, i+1, host))
			}
		}
	}
	return faults
}

// byHand tells whether a person wrote the source file; a generated one says so
// at its top (https://go.dev/s/generatedcode), a built page lies in dist.
func byHand(name string, data []byte) bool {
	sources := []string{".go", ".ts", ".tsx", ".js", ".mjs", ".css", ".sql", ".sh"}
	if !slices.Contains(sources, path.Ext(name)) || slices.Contains(strings.Split(name, "/"), "dist") {
		return false
	}
	head := data[:min(len(data), 1024)]
	return !bytes.Contains(head, []byte("Code generated ")) || !bytes.Contains(head, []byte("DO NOT EDIT"))
}

// registries are put together here, so that this file does not name one either.
func registries() []string {
	return []string{
		"registry." + "npmjs.org",
		"registry." + "yarnpkg.com",
		"proxy." + "golang.org",
		"sum." + "golang.org",
		"deb." + "debian.org",
		"security." + "debian.org",
	}
}
