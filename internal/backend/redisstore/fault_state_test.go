package redisstore

import (
	"context"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/testenv/faultload"
)

// finds holds that reads and writes have these codes, "" for no error, and say why.
func (f *fixture) finds(read, write store.Code, why string) {
	f.t.Helper()
	bounded := plusOne("n")
	bounded.Increment.Min = []byte("0")
	apply := func(ops ...store.Op) error {
		_, err := f.Apply(f.t.Context(), store.Batch{Ops: ops})
		return err
	}
	_, get := f.Get(f.t.Context(), []store.Ref{ref("a")})
	_, scan := f.Scan(f.t.Context(), store.Scan{Table: "t"})
	for name, got := range map[string]struct {
		err  error
		code store.Code
	}{
		"Get": {get, read}, "Scan": {scan, read},
		"a put": {apply(put("a", `2`)), write}, "a delete": {apply(remove("a")), write}, "an increment": {apply(plusOne("n")), write},
		"what is evaluated": {apply(bounded), write}, "a batch": {apply(put("a", `2`), put("b", `2`)), write},
		"Ping": {f.Ping(f.t.Context()), write},
	} {
		if code := store.CodeOf(got.err); code != got.code {
			f.t.Errorf("%s: got %v, want %q", name, got.err, got.code)
		} else if code != "" && !strings.Contains(store.AsError(got.err).Detail, why) {
			f.t.Errorf("%s says %q, want %q", name, store.AsError(got.err).Detail, why)
		}
	}
}

// TestServerLoads calls while the server reads its data again.
func TestServerLoads(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{AppendOnly: true, Settings: map[string]string{
		"key-load-delay": "1000", "loading-process-events-interval-bytes": "1024", // µs for each, and so it takes seconds
	}})
	f := openOn(t, server.URL)
	var ops []store.Op
	for i := range 1000 {
		ops = append(ops, put(strconv.Itoa(i), `"`+strings.Repeat("x", 100)+`"`))
	}
	f.apply(ops...)
	server.Do(t, "BGREWRITEAOF")
	poll(t, "the file to be written anew", func() bool { return server.Info(t, "persistence")["aof_rewrite_in_progress"] == "0" })
	server.Kill(t)
	started := make(chan struct{})
	go func() {
		defer close(started)
		server.Start(t)
	}()
	poll(t, "the server to load", func() bool {
		_, err := f.Get(t.Context(), []store.Ref{ref("a")})
		return err != nil && strings.Contains(store.AsError(err).Detail, "loading")
	})
	f.finds(store.Unavailable, store.Unavailable, "the Redis server is loading its data")
	<-started
	f.serves()
}

// TestServerIsReplica has the server made a replica of one that is not there.
func TestServerIsReplica(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	f := openOn(t, server.URL)
	f.apply(put("a", `1`))
	server.Do(t, "REPLICAOF", "127.0.0.1", "1")
	f.finds("", store.Unavailable, "is a replica")
	server.Do(t, "CONFIG", "SET", "replica-serve-stale-data", "no")
	f.finds(store.Unavailable, store.Unavailable, "the Redis server ")
	server.Do(t, "REPLICAOF", "NO", "ONE")
	f.holds("a", `1`)
	f.serves()
}

// TestServerCannotSave has the server not get its data onto the disk, and so take no
// writes.
func TestServerCannotSave(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{Settings: map[string]string{"save": "3600 1"}})
	f := openOn(t, server.URL)
	f.apply(put("a", `1`))
	save := func(status string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(server.Dir, mode); err != nil {
			t.Fatal(err)
		}
		server.Do(t, "BGSAVE")
		poll(t, "the saving to end", func() bool {
			now := server.Info(t, "persistence")
			return now["rdb_bgsave_in_progress"] == "0" && now["rdb_last_bgsave_status"] == status
		})
	}
	save("err", 0o500)
	f.finds("", store.StorageFull, "can't save to its disk")
	save("ok", 0o700)
	f.holds("a", `1`)
	f.serves()
}

// TestServerIsBusy has somebody else's script never end, under load, until an operator
// ends it.
func TestServerIsBusy(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{Settings: map[string]string{"busy-reply-threshold": "50"}})
	f := openOn(t, server.URL)
	f.apply(put("a", `1`))
	l := startLoad(f, faultload.Options{})
	for range rounds(3) {
		l.AwaitAcknowledged(100)
		ended := make(chan error)
		go func() {
			_, err := server.Try("EVAL", "while true do end", "0")
			ended <- err
		}()
		l.AwaitRefused(50)
		poll(t, "the server to be busy", func() bool {
			_, err := f.Get(t.Context(), []store.Ref{ref("a")})
			return err != nil && strings.Contains(store.AsError(err).Detail, "busy")
		})
		f.finds(store.Unavailable, store.Unavailable, "the Redis server is busy with a script")
		server.Do(t, "SCRIPT", "KILL")
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "killed") {
			t.Errorf("the script ended with %v", err)
		}
	}
	l.AwaitAcknowledged(100)
	checkLoad(f, l)
	f.serves()
}

// TestServerHangs has the server stand still under load for longer than it may, and go on
// then with what it had been asked for.
func TestServerHangs(t *testing.T) {
	t.Parallel()
	server := durable(t)
	f := openOn(t, server.URL)
	f.apply(put("a", `1`))
	l := startLoad(f, faultload.Options{})
	for range rounds(3) {
		l.AwaitAcknowledged(100)
		server.Pause(t)
		l.AwaitRefused(2 * faultload.Clients)
		_, err := f.Get(t.Context(), []store.Ref{ref("a")})
		fails(t, "Get", err, store.Unavailable)
		server.Resume(t)
	}
	l.AwaitAcknowledged(100)
	checkLoad(f, l)
}

// TestPasswordChanges has the user's password changed, and its connections broken.
func TestPasswordChanges(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	all := []string{"+@all", "~*", "&*"}
	f := openOn(t, userOf(t, server, "larder", all...))
	f.apply(put("a", `1`))
	server.Do(t, slices.Concat([]string{"ACL", "SETUSER", "larder", "reset", "on", ">another"}, all)...)
	server.Do(t, "CLIENT", "KILL", "USER", "larder")
	poll(t, "the connection to break", func() bool { return f.Ping(t.Context()) != nil })
	f.finds(store.Unavailable, store.Unavailable, "the Redis server refuses the user or the password")
	userOf(t, server, "larder", all...)
	f.holds("a", `1`)
	f.serves()
}

// TestConnectionsRunOut has others take all the connections that the server takes.
func TestConnectionsRunOut(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{Settings: map[string]string{"maxclients": "10"}})
	proxy := testenv.ProxyRedis(t, server.URL)
	f := openOn(t, proxy.URL)
	f.apply(put("a", `1`))
	proxy.Refuse()
	proxy.CutAll()
	var others []net.Conn
	free := func() {
		for _, conn := range others {
			_ = conn.Close() // the server may have closed it
		}
	}
	defer free()
	for full := false; !full; {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Address)
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, conn)
		answer := make([]byte, 100)
		if _, err := conn.Write([]byte("PING\r\n")); err == nil {
			n, err := conn.Read(answer)
			full = err != nil || strings.Contains(string(answer[:n]), "max number of clients")
		}
	}
	proxy.Resume()
	f.finds(store.Unavailable, store.Unavailable, "the Redis server ") // takes no more, or can't be reached: it closes the connection at once
	free()
	poll(t, "a connection", func() bool { return f.Ping(t.Context()) == nil })
	f.holds("a", `1`)
	f.serves()
}

// TestWritesPaused has an operator hold all writes back for longer than the server may be
// silent.
func TestWritesPaused(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	f := openOn(t, server.URL)
	l := startLoad(f, faultload.Options{})
	for range rounds(2) {
		l.AwaitAcknowledged(100)
		server.Do(t, "CLIENT", "PAUSE", "60000", "WRITE")
		l.AwaitRefused(2 * faultload.Clients)
		server.Do(t, "CLIENT", "UNPAUSE")
	}
	l.AwaitAcknowledged(100)
	checkLoad(f, l)
}

// TestIdleConnectionsStay has the server break connections that are idle for a second:
// the store's are not.
func TestIdleConnectionsStay(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{Settings: map[string]string{"timeout": "1"}})
	proxy := testenv.ProxyRedis(t, server.URL)
	f := openOn(t, proxy.URL)
	f.apply(put("a", `1`))
	made := proxy.Counts().Connections
	idle := time.NewTimer(3 * time.Second)
	defer idle.Stop()
	<-idle.C
	f.apply(put("a", `2`))
	if now := proxy.Counts().Connections; now != made {
		t.Errorf("%d connections were made, and there are none of them any more", now)
	}
}

// TestServerEvicts has the server throw entries away to have room for others. That is no
// way to keep them, and still all calls come to an end that makes sense.
func TestServerEvicts(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{Settings: map[string]string{"maxmemory": "6mb", "maxmemory-policy": "allkeys-random"}})
	f := openOn(t, server.URL)
	for i := range 2000 {
		key := strconv.Itoa(i % 700)
		op := large(key)
		op.Expiry = store.ExpiresIn(time.Hour)
		switch i % 5 {
		case 0:
			op = remove(key)
		case 1:
			op = plusOne("n" + key)
		}
		f.apply(op)
		if i%100 == 0 {
			f.reads()
		}
	}
	if server.Info(t, "stats")["evicted_keys"] == "0" {
		t.Error("nothing was evicted")
	}
}

// reads reads in all ways that there are.
func (f *fixture) reads() {
	f.t.Helper()
	for name, call := range f.calls() {
		if name == "Changes" {
			call = func(ctx context.Context) error { _, err := f.Changes(ctx, store.Changes{}); return err }
		}
		if err := call(f.t.Context()); err != nil {
			f.t.Errorf("%s: %v", name, err)
		}
	}
}
