package main

import (
	"strings"
	"testing"
)

const goodDockerfile = `FROM golang:1.26-bookworm AS build
RUN go build -o /larder ./cmd/larder

FROM gcr.io/distroless/static:nonroot
COPY --from=build /larder /larder
USER nonroot
HEALTHCHECK CMD ["/larder", "healthcheck"]
ENTRYPOINT ["/larder"]
`

func TestCheckDockerfile(t *testing.T) {
	for _, c := range []struct {
		name, old, new, want string
	}{
		{"good", "", "", ""},
		{"BuildKit's rules", "AS build", "as build", "Dockerfile:1: FromAsCasing"},
		{"BuildKit's variables", "/larder /larder", "/$NAME /larder", "Dockerfile:5: UndefinedVar"},
		{"unknown stage", "--from=build", "--from=biuld", `Dockerfile:5: image "biuld" has no tag`},
		{"unknown instruction", "USER nonroot", "RUNAS nonroot", "unknown instruction"},
		{"no tag", "golang:1.26-bookworm", "golang", `Dockerfile:1: image "golang" has no tag`},
		{"latest", "static:nonroot", "static:latest", `Dockerfile:4: image "gcr.io/distroless/static:latest" has no tag, or latest`},
		{"no user", "USER nonroot\n", "", `runs as ""`},
		{"root", "USER nonroot", "USER 0:0", `runs as "0:0"`},
		{"no health", "HEALTHCHECK CMD [\"/larder\", \"healthcheck\"]\n", "", "no HEALTHCHECK"},
		{"health by shell", `CMD ["/larder", "healthcheck"]`, "CMD /larder healthcheck", "no HEALTHCHECK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := goodDockerfile
			if c.old != "" {
				file = strings.ReplaceAll(file, c.old, c.new)
			}
			expect(t, checkDockerfile(t.Context(), []byte(file)), c.want)
		})
	}
}

const goodCompose = `name: larder
services:
  larder:
    image: larder:dev
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    ports: ["127.0.0.1:8080:8080"]
    healthcheck: {test: [CMD, /larder, healthcheck]}
    depends_on: {redis: {condition: service_healthy}}
  redis:
    image: redis:7
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    healthcheck: {test: [CMD, redis-cli, ping]}
`

func TestCheckCompose(t *testing.T) {
	for _, c := range []struct {
		name, old, new, want string
	}{
		{"good", "", "", ""},
		{"unknown setting", "read_only: true", "readonly: true", "readonly"},
		{"unknown service", "depends_on: {redis:", "depends_on: {valkey:", "valkey"},
		{"latest", "redis:7", "redis:latest", `redis: image "redis:latest" has no tag, or latest`},
		{"no health", "    healthcheck: {test: [CMD, redis-cli, ping]}\n", "", "redis: no healthcheck"},
		{"writable", "    read_only: true\n", "", "larder: read_only is not set"},
		{"capabilities", "[ALL]", "[NET_RAW]", "larder: cap_drop has no ALL"},
		{"privileges", "no-new-privileges:true", "label:disable", "larder: security_opt has no no-new-privileges:true"},
		{"open port", "127.0.0.1:8080:8080", "8080:8080", `larder: port 8080 is published on ""`},
		{"started only", "service_healthy", "service_started", "larder: does not wait until redis is healthy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := goodCompose
			if c.old != "" {
				file = strings.ReplaceAll(file, c.old, c.new)
			}
			expect(t, checkCompose(t.Context(), t.TempDir(), []byte(file)), c.want)
		})
	}
}

func expect(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v, want no fault", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want %q", err, want)
	}
}
