package main

import (
	"larder/api"
	"larder/cmd/larder/internal/remote"
)

// server says which larder a client command speaks with.
type server struct {
	URL string `env:"LARDER_URL" default:"http://127.0.0.1:8080" help:"Where the larder is; LARDER_URL says so too. Default: ${default}."`
}

func (s server) connect() (*api.Client, error) {
	larder, err := remote.New(s.URL)
	if err != nil {
		return nil, usageError{err.Error()}
	}
	return larder, nil
}

// entry names what a command is about.
type entry struct {
	Table string `arg:"" help:"The table."`
	Key   string `arg:"" help:"The key."`
}

// Validate refuses what would make another path of the URL. The server says
// what else is wrong with a name.
func (e entry) Validate() error {
	if e.Key == "" || e.Key == "." || e.Key == ".." {
		return usage("%q can't be a key", e.Key)
	}
	return validateTable(e.Table)
}

func validateTable(name string) error {
	if name == "" || name == "." || name == ".." {
		return usage("%q can't be a table", name)
	}
	return nil
}
