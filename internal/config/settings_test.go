package config

import (
	"strings"
	"testing"
	"time"
)

func TestSecretsAreHidden(t *testing.T) {
	tests := []struct{ text, want string }{
		{"bolt://./data/larder.db", "bolt://./data/larder.db"},
		{"postgres://u:s3cret@db:5432/larder", "postgres://u:xxxxx@db:5432/larder"},
		{"postgres://u@db/larder?sslmode=require", "postgres://u@db/larder?sslmode=require"},
		{"postgres://db/larder?user=u&password=s3cret", "postgres://db/larder?password=xxxxx&user=u"},
		{"postgres://db/larder?sslPassword=s3cret", "postgres://db/larder?sslPassword=xxxxx"},
		{"postgres://u:s3cret%zz@db", "xxxxx"},
	}
	for _, tt := range tests {
		if got := HideSecrets(tt.text); got != tt.want {
			t.Errorf("%s is shown as %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestSettingsHideThePrimarysPassword(t *testing.T) {
	cfg, err := Load(Source{Environ: []string{"LARDER_PRIMARY=postgres://u:s3cret@db/larder"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range cfg.Settings() {
		if strings.Contains(s.Value, "s3cret") {
			t.Errorf("%s shows its secret: %s", s.Name, s.Value)
		}
	}
}

func TestErrorsHideSecrets(t *testing.T) {
	for _, primary := range []string{"://u:s3cret@db", "postgres://u:s3cret%zz@db", "u:s3cret"} {
		_, err := Load(Source{Environ: []string{"LARDER_PRIMARY=" + primary, "LARDER_MAX_DEPTH=0"}})
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s gives: %v", primary, err)
		}
	}
}

func TestEverySettingIsListed(t *testing.T) {
	cfg := Default()
	settings, rules := cfg.Settings(), cfg.checks()
	if len(settings) != len(names()) {
		t.Errorf("%d settings of %d are listed", len(settings), len(names()))
	}
	checked := map[string]bool{ // either value is right
		"LARDER_ALLOW_ANONYMOUS": true, "LARDER_POSTGRES_GATHER": true, "LARDER_POSTGRES_SQL": true,
		"LARDER_RETRY_ENABLED": true, "LARDER_BREAKER_ENABLED": true, "LARDER_ADAPTIVE_LIMIT": true,
	}
	for _, r := range rules {
		checked[envPrefix+r.name] = true
	}
	for _, s := range settings {
		if !checked[s.Name] {
			t.Errorf("%s is not validated", s.Name)
		}
	}
}

func TestShortDurationsMeanTheSame(t *testing.T) {
	for text, want := range map[string]string{
		"0s": "0s", "1s": "1s", "10s": "10s", "2m0s": "2m", "10m0s": "10m", "1h0m0s": "1h", "168h0m0s": "168h", "1h10m0s": "1h10m", "1h0m5s": "1h0m5s", "20m30s": "20m30s",
	} {
		got := shortDuration(text)
		before, _ := time.ParseDuration(text)
		after, err := time.ParseDuration(got)
		if got != want || after != before || err != nil {
			t.Errorf("%s is shown as %s, want %s", text, got, want)
		}
	}
}
