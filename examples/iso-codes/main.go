// Command iso-codes writes the entries of Debian's package iso-codes as lines
// that `larder import` takes, values exactly as they are in its files:
//
//	go run ./examples/iso-codes /usr/share/iso-codes/json | larder import -
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// standard is a file of iso-codes and the table it becomes.
type standard struct {
	file  string
	array string // the name of the only member
	table string
	key   string // the member of an entry that becomes its key
}

var standards = []standard{
	{"iso_3166-1.json", "3166-1", "countries", "alpha_2"},
	{"iso_3166-2.json", "3166-2", "subdivisions", "code"},
	{"iso_3166-3.json", "3166-3", "former_countries", "alpha_4"},
	{"iso_639-3.json", "639-3", "languages", "alpha_3"},
	{"iso_639-2.json", "639-2", "languages_639_2", "alpha_3"},
	{"iso_639-5.json", "639-5", "language_families", "alpha_3"},
	{"iso_15924.json", "15924", "scripts", "alpha_4"},
	{"iso_4217.json", "4217", "currencies", "alpha_3"},
}

// line is one entry, as `larder import` takes it.
type line struct {
	Table string          `json:"table"`
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: iso-codes DIRECTORY, such as /usr/share/iso-codes/json")
		os.Exit(2)
	}
	if err := convert(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "iso-codes:", err)
		os.Exit(1)
	}
}

// convert writes all standards of a directory.
func convert(dir string, w io.Writer) error {
	out := bufio.NewWriter(w)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, s := range standards {
		entries, err := s.read(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := encoder.Encode(e); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

// read gives the entries of one standard.
func (s standard) read(dir string) ([]line, error) {
	data, err := os.ReadFile(filepath.Join(dir, s.file))
	if err != nil {
		return nil, err
	}
	var document map[string][]json.RawMessage
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", s.file, err)
	}
	values := document[s.array]
	if len(values) == 0 {
		return nil, fmt.Errorf("%s has no array %q", s.file, s.array)
	}
	lines := make([]line, 0, len(values))
	for i, value := range values {
		var members map[string]string
		if err := json.Unmarshal(value, &members); err != nil {
			return nil, fmt.Errorf("%s: entry %d: %w", s.file, i, err)
		}
		key := members[s.key]
		if key == "" {
			return nil, fmt.Errorf("%s: entry %d has no %s", s.file, i, s.key)
		}
		lines = append(lines, line{Table: s.table, Key: key, Value: value})
	}
	return lines, nil
}
