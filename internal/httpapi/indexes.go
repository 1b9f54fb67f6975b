package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"larder/api"
	"larder/internal/store"
	"larder/internal/value"
)

// ListIndexes answers a table's indexes.
func (a *API) ListIndexes(w http.ResponseWriter, r *http.Request, table string) {
	indexer, err := a.indexer(table)
	var indexes []store.Index
	if err == nil {
		indexes, err = indexer.Indexes(r.Context(), table)
	}
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	form := api.IndexList{Items: make([]api.Index, len(indexes))}
	for i := range indexes {
		form.Items[i] = newIndex(indexes[i])
	}
	writeJSON(w, jsonType, http.StatusOK, form)
}

func (a *API) indexer(table string) (store.Indexer, error) {
	if err := userTable(table); err != nil {
		return nil, err
	}
	indexer, ok := store.As[store.Indexer](a.store)
	if !ok {
		return nil, a.unsupported(store.CanIndex)
	}
	return indexer, nil
}

// PutIndex makes an index, or replaces one of another definition. One that
// takes longer to build than a request may last is answered while it is being
// built; that goes on.
func (a *API) PutIndex(w http.ResponseWriter, r *http.Request, table, index string) {
	made, built, err := a.putIndex(w, r, table, index)
	if err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	status := http.StatusOK
	if made {
		status = http.StatusCreated
		w.Header().Set("Location", "/tables/"+table+"/indexes/"+index)
	}
	writeJSON(w, jsonType, status, newIndex(built))
}

func (a *API) putIndex(w http.ResponseWriter, r *http.Request, table, index string) (made bool, built store.Index, err error) {
	indexer, err := a.indexer(table)
	if err != nil {
		return false, store.Index{}, err
	}
	def, err := a.readIndex(w, r, index)
	if err != nil {
		return false, store.Index{}, err
	}
	if err := def.Validate(table); err != nil {
		return false, store.Index{}, err
	}
	before, err := indexer.Indexes(r.Context(), table)
	if err != nil {
		return false, store.Index{}, err
	}
	// Half of the request's time is for building, the rest for the answer.
	building, cancel := context.WithTimeout(r.Context(), a.options.RequestTimeout/2)
	defer cancel()
	_, err = indexer.PutIndex(building, table, def)
	if err != nil && store.CodeOf(err) != store.Timeout {
		return false, store.Index{}, err
	}
	made = !slices.ContainsFunc(before, func(x store.Index) bool { return x.Name == def.Name })
	indexes, listErr := indexer.Indexes(r.Context(), table)
	if listErr != nil {
		return false, store.Index{}, listErr
	}
	i := slices.IndexFunc(indexes, func(x store.Index) bool { return x.SameDefinition(def) })
	if i < 0 {
		if err == nil {
			err = &store.Error{Code: store.Busy, Detail: "the index was dropped or replaced meanwhile"}
		}
		return false, store.Index{}, err
	}
	return made, indexes[i], nil
}

func (a *API) readIndex(w http.ResponseWriter, r *http.Request, name string) (store.Index, error) {
	var form api.IndexDefinition
	if err := a.decode(w, r, &form); err != nil {
		return store.Index{}, err
	}
	def := store.Index{Name: name, Unique: form.Unique}
	for i, field := range form.Fields {
		path, err := value.ParsePointer(field.Path)
		if err != nil {
			return store.Index{}, invalidBody("/fields/"+strconv.Itoa(i)+"/path", "a path is a JSON pointer, such as /email")
		}
		def.Fields = append(def.Fields, store.IndexField{Path: path, Type: store.FieldType(field.Type)})
	}
	return def, nil
}

// DeleteIndex drops an index.
func (a *API) DeleteIndex(w http.ResponseWriter, r *http.Request, table, index string) {
	indexer, err := a.indexer(table)
	if err == nil {
		err = indexer.DropIndex(r.Context(), table, index)
	}
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func newIndex(x store.Index) api.Index {
	form := api.Index{Name: x.Name, Unique: x.Unique, Entries: x.Entries, State: api.IndexStateBuilding}
	if x.Ready {
		form.State = api.IndexStateReady
	}
	form.Fields = make([]api.IndexField, len(x.Fields))
	for i, f := range x.Fields {
		form.Fields[i] = api.IndexField{Path: f.Path.String(), Type: api.IndexFieldType(f.Type)}
	}
	return form
}
