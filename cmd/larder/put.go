package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

type putCommand struct {
	server
	entry
	Value     string            `arg:"" optional:"" default:"-" help:"The value as JSON, @FILE for what a file holds, or - for standard input (default)."`
	TTL       time.Duration     `placeholder:"DURATION" help:"How long it lives, such as 90s or 24h."`
	IfVersion int64             `placeholder:"N" xor:"if" help:"Only where the entry is at this version (compare and swap)."`
	IfAbsent  bool              `xor:"if" help:"Only where there is no entry."`
	Bytes     bool              `help:"Not JSON: keep the bytes as they are."`
	Metadata  map[string]string `placeholder:"NAME=TEXT" help:"Metadata; may be repeated."`
}

// Run puts the value and tells its version.
func (c *putCommand) Run(ctx context.Context, s streams) error {
	value, err := c.value(s.in)
	if err != nil {
		return err
	}
	params, err := c.params()
	if err != nil {
		return err
	}
	larder, err := c.connect()
	if err != nil {
		return err
	}
	contentType := "application/json"
	if c.Bytes {
		contentType = "application/octet-stream"
	}
	var put api.Entry
	response, err := larder.PutKeyWithBody(ctx, c.Table, c.Key, params, contentType, bytes.NewReader(value))
	if err := remote.Read(response, err)(&put); err != nil {
		return err
	}
	if isTerminal(s.out) {
		_, err = fmt.Fprintf(s.out, "%s/%s is at version %d\n", put.Table, put.Key, put.Version)
		return err
	}
	return writeJSON(s.out, put)
}

// value is what is to be put.
func (c *putCommand) value(in io.Reader) ([]byte, error) {
	path, isFile := strings.CutPrefix(c.Value, "@")
	switch {
	case c.Value == "-":
		return io.ReadAll(in)
	case isFile:
		return os.ReadFile(path)
	case !c.Bytes && !json.Valid([]byte(c.Value)):
		return nil, usage(`%s is not JSON; a text is written '"%s"', and --bytes keeps anything as it is`, c.Value, c.Value)
	}
	return []byte(c.Value), nil
}

func (c *putCommand) params() (*api.PutKeyParams, error) {
	params := &api.PutKeyParams{}
	if c.TTL != 0 {
		if c.TTL < time.Second || c.TTL%time.Second != 0 {
			return nil, usage("--ttl is %v; it is in whole seconds, at least one", c.TTL)
		}
		params.TTLSeconds = new(int64(c.TTL / time.Second))
	}
	if c.IfVersion != 0 {
		params.IfMatch = new(etag(c.IfVersion))
	}
	if c.IfAbsent {
		params.IfNoneMatch = new("*")
	}
	if len(c.Metadata) > 0 {
		header, err := metadataHeader(c.Metadata)
		if err != nil {
			return nil, err
		}
		params.LarderMetadata = &header
	}
	return params, nil
}

// metadataHeader is a dictionary structured field (RFC 9651); what a string of
// it can't carry goes as a display string.
func metadataHeader(pairs map[string]string) (string, error) {
	dictionary := httpsfv.NewDictionary()
	for name, text := range pairs {
		item := httpsfv.NewItem(text)
		if strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
			item = httpsfv.NewItem(httpsfv.DisplayString(text))
		}
		dictionary.Add(name, item)
	}
	header, err := httpsfv.Marshal(dictionary)
	if err != nil {
		return "", usage("--metadata: %v; a name starts with a-z and goes on with a-z, 0-9, _, -, .", err)
	}
	return header, nil
}
