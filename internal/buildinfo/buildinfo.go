// Package buildinfo says which larder this is.
//
//	fmt.Println(buildinfo.Read()) // larder 1.4.0 (3f2c9a1, go1.26.8, linux/amd64)
package buildinfo

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// version is set when a release is built:
//
//	go build -ldflags "-X larder/internal/buildinfo.version=1.4.0" ./cmd/larder
var version string

// Info is what is known of this build. What is not known is "".
type Info struct {
	Version  string `json:"version"`            // "1.4.0", a module's pseudo-version, or "dev"
	Revision string `json:"revision,omitempty"` // of the source
	Modified bool   `json:"modified,omitempty"` // the source was changed since
	Time     string `json:"time,omitempty"`     // of the revision, RFC 3339
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Read finds out.
func Read() Info {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		build = &debug.BuildInfo{}
	}
	return describe(version, build)
}

func describe(released string, build *debug.BuildInfo) Info {
	info := Info{
		Version:  released,
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if info.Version == "" {
		info.Version = strings.TrimPrefix(build.Main.Version, "v")
	}
	if info.Version == "" || info.Version == "(devel)" {
		info.Version = "dev"
	}
	for _, s := range build.Settings {
		switch s.Key {
		case "vcs.revision":
			info.Revision = s.Value
		case "vcs.time":
			info.Time = s.Value
		case "vcs.modified":
			info.Modified = s.Value == "true"
		}
	}
	return info
}

// String is one line for people.
func (i Info) String() string {
	about := []string{i.Go, i.Platform}
	if i.Revision != "" {
		short := i.Revision[:min(12, len(i.Revision))]
		if i.Modified {
			short += "-modified"
		}
		about = append([]string{short}, about...)
	}
	return fmt.Sprintf("larder %s (%s)", i.Version, strings.Join(about, ", "))
}
