package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"larder/api"
	"larder/internal/config"
	"larder/internal/store"
)

// patience bounds everything a test waits for.
const patience = 20 * time.Second

func settings(t *testing.T) config.Config {
	t.Helper()
	cfg := config.Default()
	cfg.Listen = "127.0.0.1:0"
	cfg.Primary = "bolt://" + filepath.Join(t.TempDir(), "larder.db")
	cfg.LogFormat = config.LogJSON
	cfg.LogLevel = config.LogDebug
	return cfg
}

// started is a gateway at work in this process.
type started struct {
	t    *testing.T
	app  *App
	stop context.CancelFunc
	err  chan error
	log  chan map[string]any
}

func start(t *testing.T, cfg config.Config, o Options) *started {
	t.Helper()
	r, w := io.Pipe()
	o.LogTo = w
	a, err := New(cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &started{t: t, app: a, stop: cancel, err: make(chan error, 1), log: make(chan map[string]any, 1000)}
	go func() {
		s.err <- a.Run(ctx)
		w.Close()
	}()
	go func() {
		defer close(s.log)
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			line := make(map[string]any)
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				line["message"] = lines.Text()
			}
			s.keep(line)
		}
	}()
	t.Cleanup(func() {
		cancel()
		for range s.log { // until Run has returned
		}
	})
	return s
}

// keep has a line be read. Of more than there is room for the first give way, so that
// the gateway never waits for a reader.
func (s *started) keep(line map[string]any) {
	for {
		select {
		case s.log <- line:
			return
		default:
		}
		select {
		case <-s.log:
		default:
		}
	}
}

// logged waits for a line of the log.
func (s *started) logged(message string) map[string]any {
	s.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-s.log:
			if !ok {
				s.t.Fatalf("the log ends without %q: %v", message, s.ended())
			}
			if line["message"] == message {
				return line
			}
		case <-timeout:
			s.t.Fatalf("the log has no %q", message)
		}
	}
}

// ended waits for Run to return.
func (s *started) ended() error {
	s.t.Helper()
	select {
	case err := <-s.err:
		return err
	case <-time.After(patience):
		s.t.Fatal("the gateway does not end")
		return nil
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

func TestWhileTheStoreOpensTheGatewayLivesAndIsNotReady(t *testing.T) {
	cfg := settings(t)
	cfg.Listen = freeAddress(t)
	opening, goOn := make(chan struct{}), make(chan struct{})
	s := start(t, cfg, Options{Open: func(ctx context.Context, cfg config.Config, b config.Backend, log zerolog.Logger) (store.Store, error) {
		close(opening)
		<-goOn
		return openMember(ctx, cfg, b, log)
	}})
	<-opening
	base := "http://" + cfg.Listen
	for path, want := range map[string]int{"/livez": http.StatusOK, "/readyz": http.StatusServiceUnavailable, "/tables": http.StatusServiceUnavailable, "/health": http.StatusServiceUnavailable} {
		if status, body := get(t, base+path); status != want {
			t.Errorf("GET %s is %d, want %d: %s", path, status, want, body)
		}
	}
	_, body := get(t, base+"/health")
	var health api.Health
	if err := json.Unmarshal([]byte(body), &health); err != nil || health.Status != api.HealthStatusStarting || health.Backends == nil {
		t.Errorf("/health says %s (%v)", body, err)
	}
	_, body = get(t, base+"/tables")
	var problem api.Problem
	if err := json.Unmarshal([]byte(body), &problem); err != nil || !problem.Retryable || problem.Code != string(store.Unavailable) {
		t.Errorf("/tables says %s (%v)", body, err)
	}

	close(goOn)
	s.logged("ready")
	if status, body := get(t, base+"/readyz"); status != http.StatusOK {
		t.Errorf("it is not ready: %d %s", status, body)
	}
	s.stop()
	if err := s.ended(); err != nil {
		t.Error(err)
	}
}

func TestTheLogTellsWhichVariableNamesThePrimary(t *testing.T) {
	for variable, want := range map[string]any{"POSTGRES_HOST": "POSTGRES_HOST", "REDIS_HOST": "REDIS_HOST", "SOME_HOST": nil} {
		cfg, err := config.Load(config.Source{Environ: []string{variable + "=127.0.0.1", "LARDER_LISTEN=127.0.0.1:0", "LARDER_LOG_FORMAT=json"}})
		if err != nil {
			t.Fatal(err)
		}
		other := settings(t) // its file goes after the gateway
		s := start(t, cfg, Options{Open: func(ctx context.Context, _ config.Config, b config.Backend, log zerolog.Logger) (store.Store, error) {
			return openMember(ctx, other, b, log)
		}})
		if got := s.logged("starting")["primary_from"]; got != want {
			t.Errorf("with %s set, the primary is said to be from %v", variable, got)
		}
	}
}

func TestToldToStopWhileStarting(t *testing.T) {
	opening := make(chan struct{})
	s := start(t, settings(t), Options{Open: func(ctx context.Context, _ config.Config, _ config.Backend, _ zerolog.Logger) (store.Store, error) {
		close(opening)
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	<-opening
	s.stop()
	if err := s.ended(); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestStoreThatCannotBeOpenedEndsTheGateway(t *testing.T) {
	broken := errors.New("broken")
	s := start(t, settings(t), Options{Open: func(context.Context, config.Config, config.Backend, zerolog.Logger) (store.Store, error) {
		return nil, broken
	}})
	if err := s.ended(); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if got := s.app.life.now(); got != failed {
		t.Errorf("its state is %v", got)
	}
}

// ailing is a store whose pings fail when told to.
type ailing struct {
	store.Store
	ill chan struct{}
}

func (a *ailing) Ping(ctx context.Context) error {
	select {
	case <-a.ill:
		return &store.Error{Code: store.Unavailable, Detail: "the disk is gone", Err: errors.New("/dev/sda")}
	default:
		return a.Store.Ping(ctx)
	}
}

func TestBackendThatIsDownIsTold(t *testing.T) {
	ill := make(chan struct{})
	close(ill)
	s := start(t, settings(t), Options{Open: func(ctx context.Context, cfg config.Config, b config.Backend, log zerolog.Logger) (store.Store, error) {
		opened, err := openMember(ctx, cfg, b, log)
		return &ailing{opened, ill}, err
	}})
	base := "http://" + s.logged("ready")["address"].(string)
	status, body := get(t, base+"/readyz")
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "the disk is gone") || strings.Contains(body, "/dev/sda") {
		t.Errorf("/readyz: %d %s", status, body)
	}
	if status, body := get(t, base+"/health"); status != http.StatusOK || !strings.Contains(body, `"down"`) {
		t.Errorf("/health: %d %s", status, body)
	}
	if status, body := get(t, base+"/backends"); status != http.StatusOK || !strings.Contains(body, `"down"`) {
		t.Errorf("/backends: %d %s", status, body)
	}
	if status, _ := get(t, base+"/livez"); status != http.StatusOK {
		t.Errorf("/livez: %d", status)
	}
}

func TestEverythingIsPutAwayInOrder(t *testing.T) {
	s := start(t, settings(t), Options{})
	s.logged("ready")
	s.stop()
	s.logged("stopping")
	for _, part := range []string{"requests", "handlers", "copies", "operations", "absent backends", "routes", "backends", "roster", "catalog", "figures", "health", "router", "strategies", "successions", "backends that were added", "store primary", "server"} {
		if got := s.logged("put away")["part"]; got != part {
			t.Errorf("%v is put away, want %s", got, part)
		}
	}
	s.logged("stopped")
	if err := s.ended(); err != nil {
		t.Error(err)
	}
}

func TestWrongSettingsMakeNoGateway(t *testing.T) {
	cfg := settings(t)
	cfg.Listen = "0.0.0.0:0"
	if _, err := New(cfg, Options{}); err == nil {
		t.Error("it would serve everybody")
	}
}
