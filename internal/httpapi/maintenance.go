package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"larder/api"
	"larder/internal/store"
)

// RunMaintenance begins a piece of maintenance and answers that it has begun;
// GET /backends/{name} tells how it went.
func (a *API) RunMaintenance(w http.ResponseWriter, r *http.Request) {
	status, err := a.beginMaintenance(w, r)
	if err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	w.Header().Set("Location", "/backends/"+url.PathEscape(status.Backend))
	writeJSON(w, jsonType, http.StatusAccepted, status)
}

func (a *API) beginMaintenance(w http.ResponseWriter, r *http.Request) (api.MaintenanceStatus, error) {
	var form api.MaintenanceRequest
	if err := a.decode(w, r, &form); err != nil {
		return api.MaintenanceStatus{}, err
	}
	if !form.Action.Valid() {
		return api.MaintenanceStatus{}, invalidBody("/action", "an action is one of cleanup, compact, flush, vacuum, analyze")
	}
	of, name := a.store, a.store.Info().Name
	if form.Backend != "" {
		one, found := a.options.Backend(form.Backend)
		if !found {
			return api.MaintenanceStatus{}, inBody("/backend", &store.Error{Code: store.NotFound, Detail: "there is no backend of this name; GET /backends lists them"})
		}
		of, name = one, form.Backend
	}
	work := store.Maintenance{Action: store.Action(form.Action), Table: form.Table}
	if work.Table != "" {
		if err := userTable(work.Table); err != nil {
			return api.MaintenanceStatus{}, err
		}
	}
	maintainer, ok := store.As[store.Maintainer](of)
	if !ok {
		return api.MaintenanceStatus{}, a.unsupported(store.CanMaintain)
	}
	if !maintainer.Maintains(work.Action) {
		return api.MaintenanceStatus{}, &store.Error{Code: store.Unsupported, Detail: "the backend does not know this action"}
	}
	return a.upkeep.begin(name, maintainer, work)
}

// upkeep runs maintenance in the background, one piece at a time for each
// backend, and remembers the last of each.
type upkeep struct {
	log     zerolog.Logger
	ctx     context.Context //nolint:containedctx // it is the life of the work, which outlives its request
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	latest map[string]api.MaintenanceStatus
}

func newUpkeep(log zerolog.Logger) *upkeep {
	ctx, cancel := context.WithCancel(context.Background())
	return &upkeep{log: log, ctx: ctx, cancel: cancel, latest: make(map[string]api.MaintenanceStatus)}
}

func (u *upkeep) begin(backend string, m store.Maintainer, work store.Maintenance) (api.MaintenanceStatus, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ctx.Err() != nil {
		return api.MaintenanceStatus{}, &store.Error{Code: stopping, Detail: "the gateway is stopping"}
	}
	if u.latest[backend].State == api.MaintenanceStateRunning {
		return api.MaintenanceStatus{}, &store.Error{Code: store.Busy, Detail: "maintenance of this backend is under way already"}
	}
	status := api.MaintenanceStatus{
		Backend: backend, Action: api.MaintenanceAction(work.Action),
		State: api.MaintenanceStateRunning, StartedAt: time.Now().UTC(),
	}
	u.latest[backend] = status
	u.running.Go(func() { u.finish(status, m.Maintain(u.ctx, work)) })
	return status, nil
}

func (u *upkeep) finish(status api.MaintenanceStatus, err error) {
	now := time.Now().UTC()
	status.State, status.FinishedAt = api.MaintenanceStateSucceeded, &now
	if err != nil {
		status.State = api.MaintenanceStateFailed
		status.Error = string(store.CodeOf(err))
		if detail := store.AsError(err).Detail; detail != "" {
			status.Error += ": " + detail
		}
		u.log.Error().Err(err).Str("backend", status.Backend).Str("action", string(status.Action)).Msg("maintenance failed")
	} else {
		u.log.Info().Str("backend", status.Backend).Str("action", string(status.Action)).Dur("took_ms", now.Sub(status.StartedAt)).Msg("maintenance done")
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.latest[status.Backend] = status
}

// last is the latest maintenance of a backend, nil where there was none.
func (u *upkeep) last(backend string) *api.MaintenanceStatus {
	u.mu.Lock()
	defer u.mu.Unlock()
	status, ok := u.latest[backend]
	if !ok {
		return nil
	}
	return &status
}

// close cancels what runs and waits for it.
func (u *upkeep) close() {
	u.mu.Lock()
	u.cancel()
	u.mu.Unlock()
	u.running.Wait()
}
