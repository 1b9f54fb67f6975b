package storetest

import "larder/internal/store"

// unique makes a unique index over one field of strings.
func (x *subject) unique(name, path string) {
	x.Helper()
	x.index(store.Index{Name: name, Unique: true, Fields: []store.IndexField{{Path: pointer(path), Type: store.StringField}}})
}

// index makes an index.
func (x *subject) index(def store.Index) {
	x.Helper()
	indexer, ok := store.As[store.Indexer](x.s)
	if !ok {
		x.Fatal("the store has no indexes")
	}
	made, err := indexer.PutIndex(x.Context(), things, def)
	x.expect("PutIndex "+def.Name, err, "")
	if !made {
		x.Fatalf("the index %s was there already", def.Name)
	}
}
