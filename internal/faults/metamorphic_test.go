package faults_test

import (
	"context"
	"path/filepath"
	"testing"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv"
	"larder/internal/testenv/httpstore"
)

// TestSettingsChangeNoAnswer does random operations on gateways that keep entries and
// copies in different ways, and compares each answer with the model's.
func TestSettingsChangeNoAnswer(t *testing.T) {
	t.Parallel()
	binary := testenv.Build(t)
	all := seeds(t)
	o := func(n int) storetest.Random { return storetest.Random{Steps: 300, Seed: all[n%len(all)]} }
	if soaks() {
		o = func(int) storetest.Random { return storetest.Random{Steps: 10_000, Runs: len(all), Seed: all[0]} }
	}
	for n, tt := range []struct {
		name string
		env  []string
	}{
		{"PostgreSQL", []string{"LARDER_ROUTES=*=primary-only(pg)"}},
		{"PostgreSQL, each write by itself", []string{"LARDER_ROUTES=*=primary-only(pg)", "LARDER_POSTGRES_GATHER=false"}},
		{"PostgreSQL with copies", []string{"LARDER_ROUTES=*=cache-aside(pg,hot)"}},
		{"PostgreSQL with copies in Redis alone", []string{"LARDER_ROUTES=*=cache-aside(pg,hot)", "LARDER_CACHE_MEMORY=0"}},
		{"PostgreSQL and a file", []string{"LARDER_ROUTES=*=multi-write(pg,local)"}},
		{"a file and Redis", []string{"LARDER_ROUTES=*=multi-write(local,hot)"}},
		{"a file with copies", []string{"LARDER_ROUTES=*=cache-aside(local,hot)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := storetest.Harness{Without: httpstore.Without(), Open: func(t testing.TB) store.Store { return openGateway(t, binary, tt.env) }}
			storetest.Differential(t, h, o(n))
		})
	}
}

// openGateway starts a larder over members that hold nothing, and speaks to it over HTTP.
func openGateway(t testing.TB, binary testenv.Binary, env []string) store.Store {
	t.Helper()
	redis := testenv.Redis(t)
	dir := t.TempDir()
	larder := binary.Serve(t, testenv.Options{Dir: dir, Env: append([]string{
		"LARDER_BACKENDS=pg=" + testenv.Postgres(t) + "; hot=" + redis.URL + "; local=bolt://" + filepath.Join(dir, "local.db"),
		"LARDER_REDIS_PREFIX=" + redis.Prefix,
	}, env...)})
	s, err := httpstore.Open(context.WithoutCancel(t.Context()), httpstore.Options{URL: larder.URL, Close: larder.Stop})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
