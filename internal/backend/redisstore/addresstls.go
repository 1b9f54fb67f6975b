package redisstore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// tlsParameters are those of a URL that say how TLS is spoken: the file of the
// authorities to trust in place of the system's, those of a certificate of
// one's own and its key, and the name that the server's certificate is for
// where that is not the host's.
var tlsParameters = []string{"ca", "cert", "key", "server_name"}

// tlsFiles is how TLS is spoken.
type tlsFiles struct {
	authorities *x509.CertPool // nil: the system's
	cert, key   string         // files; "": none of one's own
	serverName  string         // "": the host's
}

// readTLSFiles reads what the parameters name, so that what can't be read is
// told at once.
func readTLSFiles(given map[string]string) (files *tlsFiles, wrong string) {
	t := &tlsFiles{cert: given["cert"], key: given["key"], serverName: given["server_name"]}
	if path := given["ca"]; path != "" {
		pem, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Sprintf("the URL's parameter \"ca\" names a file that can't be read: %v", withoutPath(err))
		}
		t.authorities = x509.NewCertPool()
		if !t.authorities.AppendCertsFromPEM(pem) {
			return nil, `the URL's parameter "ca" names a file of certificates in PEM, and there are none in it`
		}
	}
	if (t.cert == "") != (t.key == "") {
		return nil, `the URL's parameters "cert" and "key" go together`
	}
	if t.cert != "" {
		if _, err := t.certificate(nil); err != nil {
			return nil, fmt.Sprintf("the URL's parameters \"cert\" and \"key\" name the files of a certificate and its key in PEM, and they can't be used: %v", withoutPath(err))
		}
	}
	return t, ""
}

// withoutPath leaves out the path, which whoever wrote the URL knows.
func withoutPath(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}

// certificate reads the files anew for each connection, since certificates are
// renewed while larder runs.
func (t *tlsFiles) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(t.cert, t.key)
	if err != nil {
		return nil, err
	}
	return &pair, nil
}

// config is nil where nothing is encrypted.
func (t *tlsFiles) config() *tls.Config {
	if t == nil {
		return nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: t.authorities, ServerName: t.serverName}
	if t.cert != "" {
		c.GetClientCertificate = t.certificate
	}
	return c
}
