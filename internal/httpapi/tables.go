package httpapi

import (
	"net/http"
	"sort"
	"time"

	"larder/api"
	"larder/internal/catalog"
)

// ListTables answers the tables, by name.
func (a *API) ListTables(w http.ResponseWriter, r *http.Request, params api.ListTablesParams) {
	arguments := listArguments{"listTables"}
	limit, err := a.pageLimit(params.Limit)
	var after string
	if err == nil {
		after, err = arguments.decode("cursor", deref(params.Cursor))
	}
	form := api.TablePage{Items: []api.Table{}}
	var all []catalog.Facts
	if err == nil {
		all, form.Incomplete, err = a.catalog.List(r.Context())
	}
	if err != nil {
		a.fail(w, r, queryPlaces, err)
		return
	}
	all = all[sort.Search(len(all), func(i int) bool { return all[i].Name > after }):]
	if len(all) > limit {
		all = all[:limit]
		form.NextCursor = arguments.encode(all[limit-1].Name)
		linkNext(w.Header(), r.URL, form.NextCursor)
	}
	for _, facts := range all {
		form.Items = append(form.Items, newTable(facts))
	}
	writeJSON(w, jsonType, http.StatusOK, form)
}

// GetTable answers one table.
func (a *API) GetTable(w http.ResponseWriter, r *http.Request, table string) {
	facts, err := a.table(r, table)
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	writeJSON(w, jsonType, http.StatusOK, newTable(facts))
}

func (a *API) table(r *http.Request, table string) (catalog.Facts, error) {
	if err := userTable(table); err != nil {
		return catalog.Facts{}, err
	}
	return a.catalog.Get(r.Context(), table)
}

// PutTable replaces a table's settings.
func (a *API) PutTable(w http.ResponseWriter, r *http.Request, table string) {
	made, err := a.putTable(w, r, table)
	var facts catalog.Facts
	if err == nil {
		facts, err = a.catalog.Get(r.Context(), table)
	}
	if err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	status := http.StatusOK
	if made {
		status = http.StatusCreated
		w.Header().Set("Location", "/tables/"+table)
	}
	writeJSON(w, jsonType, status, newTable(facts))
}

func (a *API) putTable(w http.ResponseWriter, r *http.Request, table string) (made bool, err error) {
	if err := userTable(table); err != nil {
		return false, err
	}
	var form api.TableSettings
	if err := a.decode(w, r, &form); err != nil {
		return false, err
	}
	settings := catalog.Settings{RequirePreconditions: form.RequirePreconditions}
	if s := form.DefaultTTLSeconds; s != nil {
		if *s < 1 || *s > maxTTLSeconds {
			return false, invalidBody("/default_ttl_seconds", "default_ttl_seconds lies between 1 and 315360000, ten years; null is none")
		}
		settings.DefaultTTL = time.Duration(*s) * time.Second
	}
	return a.catalog.Put(r.Context(), table, settings)
}

// DeleteTable drops a table with all that is in it.
func (a *API) DeleteTable(w http.ResponseWriter, r *http.Request, table string, params api.DeleteTableParams) {
	err := userTable(table)
	if err == nil {
		err = confirmed(&params.Confirm, table, "this drops the table with all its entries")
	}
	if err == nil {
		err = a.catalog.Drop(r.Context(), table)
	}
	if err != nil {
		a.fail(w, r, queryPlaces, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func newTable(facts catalog.Facts) api.Table {
	form := api.Table{
		Name: facts.Name, Entries: facts.Entries, Estimated: facts.Estimated,
		RequirePreconditions: facts.RequirePreconditions,
	}
	if facts.DefaultTTL > 0 {
		seconds := int64(facts.DefaultTTL / time.Second)
		form.DefaultTTLSeconds = &seconds
	}
	return form
}
