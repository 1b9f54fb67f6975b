package conformance_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"larder/api"
	"larder/internal/httpapi"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv/gateway"
)

func httpOptions(maxBody int64) httpapi.Options { return httpapi.Options{MaxBodyBytes: maxBody} }

// maintain does maintenance and waits for its end.
func (c *client) maintain(action string) api.MaintenanceStatus {
	c.Helper()
	a := c.do("POST", "/maintenance", `{"action":"`+action+`"}`).is(http.StatusAccepted)
	path := a.header.Get("Location")
	for {
		backend := decode[api.Backend](c.do("GET", path, "").is(http.StatusOK))
		if backend.Maintenance == nil {
			c.Fatalf("%s tells of no maintenance", path)
		}
		if backend.Maintenance.State != api.MaintenanceStateRunning {
			return *backend.Maintenance
		}
	}
}

// slowMaintainer begins when told and ends when told.
type slowMaintainer struct {
	*storetest.Model
	end chan error
}

func (m *slowMaintainer) Maintains(action store.Action) bool { return action == store.Compact }

func (m *slowMaintainer) Maintain(ctx context.Context, _ store.Maintenance) error {
	select {
	case err := <-m.end:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestMaintenance(t *testing.T) {
	m := &slowMaintainer{storetest.NewModel(storetest.ModelOptions{}), make(chan error)}
	c := serveStore(t, m, gateway.Options{})
	if b := decode[api.Backend](c.do("GET", "/backends/model", "").is(http.StatusOK)); b.Maintenance != nil {
		t.Errorf("before any there is %+v", b.Maintenance)
	}
	c.do("POST", "/maintenance", `{"action":"vacuum"}`).fails(http.StatusNotImplemented, "unsupported")
	at(t, c.do("POST", "/maintenance", `{"action":"polish"}`).fails(http.StatusBadRequest, "invalid_body"), "pointer /action")
	at(t, c.do("POST", "/maintenance", `{"action":"compact","backend":"other"}`).fails(http.StatusNotFound, "not_found"), "pointer /backend")
	c.do("POST", "/maintenance", `{"action":"compact","table":"_tables"}`).fails(http.StatusBadRequest, "invalid_table")
	for _, end := range []error{nil, &store.Error{Code: store.StorageFull, Detail: "the disk is full"}} {
		a := c.do("POST", "/maintenance", `{"action":"compact","backend":"model"}`).is(http.StatusAccepted).has("Location", "/backends/model")
		if s := decode[api.MaintenanceStatus](a); s.State != api.MaintenanceStateRunning || s.FinishedAt != nil {
			t.Errorf("begun is %+v", s)
		}
		c.do("POST", "/maintenance", `{"action":"compact"}`).fails(http.StatusConflict, "busy")
		m.end <- end
		for {
			s := decode[api.Backend](c.do("GET", "/backends/model", "")).Maintenance
			if s.State == api.MaintenanceStateRunning {
				continue
			}
			failed := s.State == api.MaintenanceStateFailed && s.Error == "storage_full: the disk is full"
			if s.FinishedAt == nil || failed != (end != nil) {
				t.Errorf("it ended as %+v", s)
			}
			break
		}
	}
	c.do("POST", "/maintenance", `{"action":"compact"}`).is(http.StatusAccepted) // the end of the test cancels it
}

func TestMaintenanceThatNoBackendDoes(t *testing.T) {
	c := serveStore(t, bare{storetest.NewModel(storetest.ModelOptions{})}, gateway.Options{})
	for path, body := range map[string]string{
		"POST /maintenance":                 `{"action":"compact"}`,
		"POST /sql":                         `{"sql":"select 1"}`,
		"POST /tables/t/query":              `{}`,
		"POST /tables/t/count":              `{}`,
		"PUT /tables/t/indexes/i":           `{"fields":[{"path":"/a","type":"string"}]}`,
		"GET /tables/t/indexes":             "",
		"DELETE /tables/t/indexes/i":        "",
		"GET /tables/t/keys?filter=/a:eq:1": "",
	} {
		method, path, _ := strings.Cut(path, " ")
		c.do(method, path, body).fails(http.StatusNotImplemented, "unsupported")
	}
}

// bare is a store without capabilities.
type bare struct{ store.Store }

func (b bare) Info() store.Info {
	info := b.Store.Info()
	info.Capabilities = nil
	return info
}
