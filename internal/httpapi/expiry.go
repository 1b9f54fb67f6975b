package httpapi

import (
	"net/http"
	"time"

	"larder/api"
	"larder/internal/store"
)

// maxTTLSeconds is store.MaxTTL in the unit of the contract.
const maxTTLSeconds = int64(store.MaxTTL / time.Second)

// expiry reads the forms an expiry can be given in, of which there may be one.
func expiry(seconds *int64, at *time.Time, keep bool) (store.Expiry, error) {
	given := 0
	for _, is := range []bool{seconds != nil, at != nil, keep} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return store.Expiry{}, &store.Error{Code: store.InvalidTTL, Field: "ttl_seconds", Detail: "of ttl_seconds, expires_at and keep_ttl there is at most one"}
	case keep:
		return store.KeepExpiry(), nil
	case at != nil:
		return store.ExpiresAt(*at), nil
	case seconds == nil:
		return store.Expiry{}, nil
	case *seconds < 1 || *seconds > maxTTLSeconds:
		return store.Expiry{}, &store.Error{Code: store.InvalidTTL, Field: "ttl_seconds", Detail: "ttl_seconds lies between 1 and 315360000, ten years"}
	}
	return store.ExpiresIn(time.Duration(*seconds) * time.Second), nil
}

// GetExpiry answers how long an entry has left.
func (a *API) GetExpiry(w http.ResponseWriter, r *http.Request, table, key string) {
	entry, done, err := a.read(r.Context(), w, r, store.Ref{Table: table, Key: key}, nil)
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	if !done {
		writeJSON(w, jsonType, http.StatusOK, newExpiry(entry))
	}
}

// newExpiry tells the time left in whole seconds, begun ones counted.
func newExpiry(e store.Entry) api.Expiry {
	if e.ExpiresAt.IsZero() {
		return api.Expiry{}
	}
	left := max(int64((time.Until(e.ExpiresAt)+time.Second-1)/time.Second), 0)
	return api.Expiry{ExpiresAt: &e.ExpiresAt, TTLSeconds: &left}
}

// PutExpiry sets when an entry expires.
func (a *API) PutExpiry(w http.ResponseWriter, r *http.Request, table, key string, _ api.PutExpiryParams) {
	op := store.Op{Kind: store.Expire, Ref: store.Ref{Table: table, Key: key}}
	if err := a.fillExpiry(w, r, &op); err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	a.write(w, r, bodyPlaces, op, func(w http.ResponseWriter, _ *http.Request, result store.Result) {
		setVersion(w.Header(), result.Entry.Version)
		writeJSON(w, jsonType, http.StatusOK, newExpiry(result.Entry))
	})
}

func (a *API) fillExpiry(w http.ResponseWriter, r *http.Request, op *store.Op) error {
	if err := userRef(op.Ref); err != nil {
		return err
	}
	var err error
	if op.If, err = precondition(r.Header); err != nil {
		return err
	}
	var form api.ExpiryWrite
	if err := a.decode(w, r, &form); err != nil {
		return err
	}
	op.Expiry, err = expiry(form.TTLSeconds, form.ExpiresAt, false)
	return err
}

// DeleteExpiry keeps an entry for good.
func (a *API) DeleteExpiry(w http.ResponseWriter, r *http.Request, table, key string, _ api.DeleteExpiryParams) {
	op := store.Op{Kind: store.Expire, Ref: store.Ref{Table: table, Key: key}, Expiry: store.NeverExpires()}
	err := userRef(op.Ref)
	if err == nil {
		op.If, err = precondition(r.Header)
	}
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	a.write(w, r, rawPlaces, op, func(w http.ResponseWriter, _ *http.Request, result store.Result) {
		setVersion(w.Header(), result.Entry.Version)
		w.WriteHeader(http.StatusNoContent)
	})
}
