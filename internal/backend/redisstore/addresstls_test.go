package redisstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
)

// authority signs certificates, which any user may read.
type authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	path string // of its certificate
}

func newAuthority(t testing.TB, dir string) *authority {
	t.Helper()
	a := &authority{t: t, dir: dir}
	a.path, _, a.cert, a.key = a.sign("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// certificate makes the files of a certificate for a name, and of its key.
func (a *authority) certificate(name string) (cert, key string) {
	a.t.Helper()
	cert, key, _, _ = a.sign(name, &x509.Certificate{
		DNSNames:    []string{name},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	return cert, key
}

func (a *authority) sign(name string, c *x509.Certificate) (certPath, keyPath string, made *x509.Certificate, key *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	made, err = x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".crt", "CERTIFICATE", der), a.write(name+".key", "PRIVATE KEY", secret), made, key
}

func (a *authority) write(name, kind string, der []byte) (path string) {
	a.t.Helper()
	path = filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o644); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// greet lets the server and the client of two settings meet, and gives the name
// that the client's certificate is for.
func greet(t *testing.T, server, client *tls.Config) (peer string, err error) {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	met := make(chan string, 1)
	go func() {
		defer close(met)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		link := conn.(*tls.Conn)
		if link.Handshake() != nil {
			return
		}
		for _, c := range link.ConnectionState().PeerCertificates {
			met <- c.Subject.CommonName
			return
		}
	}()
	conn, err := tls.Dial("tcp", listener.Addr().String(), client)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return <-met, nil
}

func TestAddressWithTLS(t *testing.T) {
	ca := newAuthority(t, t.TempDir())
	serverCert, serverKey := ca.certificate("redis.example")
	clientCert, clientKey := ca.certificate("larder")
	pair, err := tls.LoadX509KeyPair(serverCert, serverKey)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(ca.cert)
	server := &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: clients}
	parameters := func(pairs ...string) string {
		values := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			values.Set(pairs[i], pairs[i+1])
		}
		return "?" + values.Encode()
	}

	a, err := parseAddress("rediss+sentinel://127.0.0.1/mine" + parameters("ca", ca.path, "cert", clientCert, "key", clientKey, "server_name", "redis.example"))
	if err != nil {
		t.Fatal(err)
	}
	o := a.clientOption()
	for _, config := range []*tls.Config{o.TLSConfig, o.Sentinel.TLSConfig} {
		if peer, err := greet(t, server, config); err != nil || peer != "larder" {
			t.Errorf("the server meets %q, %v", peer, err)
		}
	}
	// A renewed certificate is used without a restart.
	renewedCert, renewedKey := ca.certificate("renewed")
	for from, to := range map[string]string{renewedCert: clientCert, renewedKey: clientKey} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	if peer, err := greet(t, server, o.TLSConfig); err != nil || peer != "renewed" {
		t.Errorf("the server meets %q, %v", peer, err)
	}

	for _, untrusted := range []string{"rediss://127.0.0.1", "rediss://127.0.0.1" + parameters("server_name", "redis.example"), "rediss://127.0.0.1" + parameters("ca", ca.path)} {
		a, err := parseAddress(untrusted)
		if err != nil {
			t.Fatal(err)
		}
		config := a.clientOption().TLSConfig
		if config.ServerName == "" {
			config.ServerName = "127.0.0.1" // as the client library does
		}
		if _, err := greet(t, server, config); err == nil {
			t.Errorf("%s: a server that cannot be trusted is", untrusted)
		}
	}
}

func TestWrongFilesForTLS(t *testing.T) {
	ca := newAuthority(t, t.TempDir())
	cert, key := ca.certificate("larder")
	_, other := ca.certificate("other")
	empty := ca.write("empty", "NOTHING", nil)
	for query, want := range map[string]string{
		"ca=/nowhere":                           `"ca" names a file that can't be read: no such file or directory`,
		"ca=" + empty:                           `"ca" names a file of certificates in PEM, and there are none`,
		"cert=" + cert:                          `"cert" and "key" go together`,
		"key=" + key:                            `"cert" and "key" go together`,
		"cert=" + cert + "&key=/nowhere":        "no such file or directory",
		"cert=" + empty + "&key=" + key:         "they can't be used",
		"cert=" + cert + "&key=" + other:        "private key does not match public key",
		"cert=" + cert + "&key=" + key + "&ca=": `"ca" has one value`,
	} {
		_, err := parseAddress("rediss://host?" + query)
		if e := store.AsError(err); e == nil || e.Code != store.InvalidOperation || !strings.Contains(e.Detail, want) {
			t.Errorf("%s: got %v, want %s", query, err, want)
		}
	}
}
