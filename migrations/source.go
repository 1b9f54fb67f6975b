package migrations

import (
	"io/fs"
	"slices"
)

// Source is the text of all migrations, to tell one state of them from
// another.
func Source() []byte {
	var all [][]byte
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(path)
		all = append(all, text)
		return err
	})
	if err != nil {
		panic(err) // the files are part of the binary
	}
	return slices.Concat(all...)
}
