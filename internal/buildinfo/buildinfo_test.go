package buildinfo

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestDescribe(t *testing.T) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	revision := []debug.BuildSetting{
		{Key: "vcs.revision", Value: "3f2c9a1b7d0e4f5a6b7c8d9e0f1a2b3c4d5e6f70"},
		{Key: "vcs.time", Value: "2026-01-02T03:04:05Z"},
		{Key: "vcs.modified", Value: "true"},
	}
	tests := []struct {
		name     string
		released string
		build    debug.BuildInfo
		want     string
	}{
		{"nothing known", "", debug.BuildInfo{}, "larder dev (" + runtime.Version() + ", " + platform + ")"},
		{"from the tree", "", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "larder dev (" + runtime.Version() + ", " + platform + ")"},
		{"installed", "", debug.BuildInfo{Main: debug.Module{Version: "v1.4.0"}}, "larder 1.4.0 (" + runtime.Version() + ", " + platform + ")"},
		{"released", "1.5.0", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: revision}, "larder 1.5.0 (3f2c9a1b7d0e-modified, " + runtime.Version() + ", " + platform + ")"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := describe(tt.released, &tt.build).String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestReadKnowsGo(t *testing.T) {
	if got := Read(); got.Go != runtime.Version() || got.Version == "" {
		t.Errorf("Read() = %+v", got)
	}
}
