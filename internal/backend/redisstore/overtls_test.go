package redisstore

import (
	"net"
	"net/url"
	"strconv"
	"testing"
	"time"

	"larder/internal/testenv"
)

// serveTLS has a server speak TLS too, with those who have a certificate of the
// authority's, and gives where.
func serveTLS(t *testing.T, server *testenv.RedisServer, ca *authority) (address string) {
	t.Helper()
	cert, key := ca.certificate("redis.example")
	var err error
	for range 10 {
		var free net.Listener
		if free, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		address = free.Addr().String()
		port := strconv.Itoa(free.Addr().(*net.TCPAddr).Port)
		if err := free.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err = server.Try(
			"CONFIG", "SET", "tls-port", port, "tls-cert-file", cert, "tls-key-file", key, "tls-ca-cert-file", ca.path, "tls-auth-clients", "yes",
		); err == nil {
			return address
		}
	}
	t.Fatalf("the server does not speak TLS: %v", err)
	return ""
}

func TestStoreOverTLS(t *testing.T) {
	server := testenv.StartRedis(t, testenv.RedisOptions{Password: "s3cret"})
	ca := newAuthority(t, server.Dir)
	address := serveTLS(t, server, ca)
	cert, key := ca.certificate("larder")
	given := url.Values{"ca": {ca.path}, "cert": {cert}, "key": {key}, "server_name": {"redis.example"}}
	s := openWith(t, Options{URL: "rediss://:s3cret@" + address + "/1?" + given.Encode(), ReplyTimeout: 10 * time.Second})
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if there := server.Info(t, "keyspace"); there["db1"] == "" || there["db0"] != "" {
		t.Errorf("what is in database 1 is in %v", there)
	}
}
