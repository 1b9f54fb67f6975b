package config

import (
	"strings"
	"testing"
	"time"
)

func TestGuardSettings(t *testing.T) {
	t.Parallel()
	cfg, err := Load(Source{Environ: []string{
		"LARDER_RETRY_ENABLED=false", "LARDER_RETRY_ATTEMPTS=5", "LARDER_RETRY_DELAY=1s", "LARDER_RETRY_MAX_DELAY=2s", "LARDER_RETRY_JITTER=0",
		"LARDER_ATTEMPT_TIMEOUT=3s", "LARDER_BREAKER_FAILURES=7", "LARDER_MAX_CALLS=100", "LARDER_ADAPTIVE_LIMIT=false",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.RetryEnabled || cfg.RetryAttempts != 5 || cfg.RetryDelay != time.Second || cfg.RetryMaxDelay != 2*time.Second || cfg.RetryJitter != 0 ||
		cfg.AttemptTimeout != 3*time.Second || !cfg.BreakerEnabled || cfg.BreakerFailures != 7 || cfg.MaxCalls != 100 || cfg.AdaptiveLimit {
		t.Errorf("got %+v", cfg)
	}
	for wrong, why := range map[string]string{
		"RETRY_ATTEMPTS=0":    "0 is out of range; it lies between 1 and 100",
		"RETRY_DELAY=0s":      "out of range",
		"RETRY_DELAY=20s":     "LARDER_RETRY_MAX_DELAY: 10s is out of range; it lies between 20s and 1h0m0s",
		"RETRY_JITTER=1.5":    "1.5 is out of range; it lies between 0 and 1",
		"RETRY_JITTER=NaN":    "NaN is out of range",
		"RETRY_JITTER=some":   `"some"`,
		"RETRY_ENABLED=maybe": `"maybe"`,
		"ATTEMPT_TIMEOUT=-1s": "out of range",
		"BREAKER_FAILURES=0":  "out of range",
		"BREAKER_WINDOW=1h":   "out of range",
		"BREAKER_DELAY=1ms":   "out of range",
		"MAX_CALLS=0":         "LARDER_MAX_CALLS: 0 is out of range",
		"CALL_WAIT=0s":        "out of range",
		"MIN_CALLS=5000":      "5000 is out of range; it lies between 1 and 4000",
	} {
		if _, err := Load(Source{Environ: []string{"LARDER_" + wrong}}); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s gives: %v", wrong, err)
		}
	}
}
