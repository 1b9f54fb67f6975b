package app

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"larder/internal/config"
	"larder/internal/testenv"
)

// TestRoutesAndBackendsCross removes a backend through one gateway while another is given
// routes that name it. One of the two is refused, and says why.
func TestRoutesAndBackendsCross(t *testing.T) {
	redis := testenv.Redis(t)
	cfg := settings(t)
	cfg.Primary, cfg.RedisPrefix = config.Default().Primary, redis.Prefix
	cfg.Backends = config.Backends{{Name: "pg", URL: testenv.Postgres(t)}}
	here := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	there := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	const naming = `{"routes":[{"pattern":"*","strategy":"primary-only","members":["pg"]},{"pattern":"x","strategy":"cache-aside","members":["pg","hot"]}]}`

	for round := range 8 {
		if resp, body := exchange(t, http.MethodPut, here+"/backends/hot", `{"url":"`+redis.URL+`"}`); resp.StatusCode >= 300 {
			t.Fatalf("round %d: it is added: %d %s", round, resp.StatusCode, body)
		}
		soon(t, "the other to have it", func() bool {
			status, _ := get(t, there+"/backends/hot")
			return status == http.StatusOK
		})
		var removed, put answer
		var removal, putting string
		var both sync.WaitGroup
		both.Go(func() { removed, removal = exchange(t, http.MethodDelete, here+"/backends/hot", "") })
		both.Go(func() { put, putting = exchange(t, http.MethodPut, there+"/routes", naming) })
		both.Wait()
		switch {
		case removed.StatusCode == http.StatusNoContent && put.StatusCode == http.StatusBadRequest && strings.Contains(putting, "hot"):
		case removed.StatusCode == http.StatusConflict && put.StatusCode == http.StatusOK && strings.Contains(removal, "x=cache-aside(pg,hot)"):
		default:
			t.Fatalf("round %d: the removal is %d %s\nthe routes are %d %s", round, removed.StatusCode, removal, put.StatusCode, putting)
		}
		if _, body := get(t, here+"/routes"); removed.StatusCode == http.StatusNoContent && strings.Contains(body, "hot") {
			t.Fatalf("round %d: the routes name one that is removed: %s", round, body)
		}
		exchange(t, http.MethodPut, there+"/routes", plainRoutes)
	}
}
