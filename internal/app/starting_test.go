package app

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"larder/api"
	"larder/internal/testenv"
)

// says waits until a path answers with a status and a text in it.
func says(t *testing.T, url string, status int, text string) string {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		got, body := get(t, url)
		if got == status && strings.Contains(body, text) {
			return body
		}
		if time.Now().After(deadline) {
			t.Fatalf("GET %s is %d, want %d: %s", url, got, status, body)
		}
	}
}

// TestTheGatewayStartsBeforeRedis starts a gateway whose Redis is not there yet, and
// takes it away again later.
func TestTheGatewayStartsBeforeRedis(t *testing.T) {
	server := testenv.StartRedis(t, testenv.RedisOptions{AppendOnly: true})
	server.Stop(t)
	cfg := settings(t)
	cfg.Primary, cfg.Listen = server.URL, freeAddress(t)
	s := start(t, cfg, Options{})
	s.logged("the backend does not serve yet; larder waits for it")
	base, key := "http://"+cfg.Listen, "http://"+cfg.Listen+"/tables/t/keys/k"
	const unreached = "the Redis server can't be reached"
	says(t, base+"/readyz", http.StatusServiceUnavailable, "the gateway is starting: "+unreached)
	body := says(t, base+"/health", http.StatusServiceUnavailable, unreached)
	var health api.Health
	if err := json.Unmarshal([]byte(body), &health); err != nil || health.Status != api.HealthStatusStarting {
		t.Errorf("/health says %s (%v)", body, err)
	}
	says(t, base+"/livez", http.StatusOK, "ok")
	says(t, key, http.StatusServiceUnavailable, unreached)

	server.Start(t)
	s.logged("ready")
	says(t, base+"/readyz", http.StatusOK, "ok")
	says(t, key, http.StatusNotFound, "not_found")

	server.Kill(t)
	says(t, base+"/readyz", http.StatusServiceUnavailable, unreached)
	says(t, key, http.StatusServiceUnavailable, `"code":"unavailable"`)
	says(t, base+"/livez", http.StatusOK, "ok")
	says(t, base+"/health", http.StatusOK, `"down"`)

	server.Start(t)
	says(t, base+"/readyz", http.StatusOK, "ok")
	says(t, key, http.StatusNotFound, "not_found")
	s.stop()
	if err := s.ended(); err != nil {
		t.Error(err)
	}
}

// TestToldToStopBeforeRedis stops a gateway that waits.
func TestToldToStopBeforeRedis(t *testing.T) {
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	server.Stop(t)
	cfg := settings(t)
	cfg.Primary = server.URL
	s := start(t, cfg, Options{})
	s.logged("the backend does not serve yet; larder waits for it")
	s.stop()
	if err := s.ended(); err != nil {
		t.Errorf("got %v", err)
	}
}
