package testenv_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"larder/internal/testenv"
)

// selfSigned makes the files of a certificate for 127.0.0.1 and of its key.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: public}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestRedisServerSpeaksTLS(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	s := testenv.StartRedis(t, testenv.RedisOptions{Password: "secret", TLS: testenv.RedisTLS{Cert: cert, Key: key, CA: cert}})
	if s.Do(t, "PING") != "PONG" || s.URL != "rediss://:secret@"+s.Address+"/0" {
		t.Errorf("the server at %s does not answer", s.URL)
	}
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	conn, err := tls.Dial("tcp", s.Address, &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatalf("the server has another certificate: %v", err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("PING\r\n")); err == nil {
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("a client without a certificate gets %d bytes", n)
		}
	}
	if got, err := talk(t, s.Address).ask("PING"); err == nil && strings.HasPrefix(got, "+") {
		t.Errorf("in the clear it says %q", got)
	}
	s.Kill(t)
	s.Start(t)
}
