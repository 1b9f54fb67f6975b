// Command deploylint checks DIR/Dockerfile and DIR/compose.yaml, with no Docker
// engine and no network:
//
//	deploylint DIR
//
// The Dockerfile goes through BuildKit's own front end with all its lint rules,
// compose.yaml through Compose's own loader, and both through this project's
// rules: images have a tag other than latest, the program is not root and can
// be asked for its health, containers are locked down and published on
// loopback only.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: deploylint DIR")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string) error {
	dockerfile, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		return fmt.Errorf("deploylint: %w", err)
	}
	compose, err := os.ReadFile(filepath.Join(dir, "compose.yaml"))
	if err != nil {
		return fmt.Errorf("deploylint: %w", err)
	}
	return errors.Join(checkDockerfile(ctx, dockerfile), checkCompose(ctx, dir, compose))
}
