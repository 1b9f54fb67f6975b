package httpstore

import (
	"context"
	"net/http"
	"time"

	"larder/api"
	"larder/internal/store"
)

// Maintains implements [store.Maintainer].
func (s *Store) Maintains(action store.Action) bool { return s.knows(action) }

// Maintain implements [store.Maintainer]: it starts the action and asks after
// it until it has ended.
func (s *Store) Maintain(ctx context.Context, m store.Maintenance) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	form := api.MaintenanceRequest{Action: api.MaintenanceAction(m.Action), Backend: s.info.Name, Table: m.Table}
	resp, err := s.client.RunMaintenanceWithResponse(ctx, form)
	if err != nil {
		return s.broken(ctx, err, true)
	}
	if resp.HTTPResponse.StatusCode != http.StatusAccepted {
		return s.fail(resp.HTTPResponse, resp.Body, request{invalid: store.Unsupported})
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		status, err := s.maintenance(ctx)
		if err != nil {
			return err
		}
		switch status.State {
		case api.MaintenanceStateSucceeded:
			return nil
		case api.MaintenanceStateFailed:
			return &store.Error{Code: store.Internal, Backend: s.info.Name, Detail: status.Error}
		case api.MaintenanceStateRunning:
		}
		select {
		case <-ctx.Done():
			return s.broken(ctx, ctx.Err(), true)
		case <-tick.C:
		}
	}
}

// maintenance is the backend's latest.
func (s *Store) maintenance(ctx context.Context) (api.MaintenanceStatus, error) {
	resp, err := s.client.GetBackendWithResponse(ctx, s.info.Name)
	if err != nil {
		return api.MaintenanceStatus{}, s.broken(ctx, err, false)
	}
	if resp.JSON200 == nil {
		return api.MaintenanceStatus{}, s.fail(resp.HTTPResponse, resp.Body, request{})
	}
	if resp.JSON200.Maintenance == nil {
		return api.MaintenanceStatus{}, &store.Error{Code: store.Internal, Backend: s.info.Name, Detail: "the backend tells of no maintenance"}
	}
	return *resp.JSON200.Maintenance, nil
}
