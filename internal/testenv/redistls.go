package testenv

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// RedisTLS are files in PEM that a server is started with; without the first
// two it speaks no TLS. It has copies of them, so that they need not be
// readable by its user. Do shows the server's certificate as its own.
type RedisTLS struct {
	Cert string // the server's certificate
	Key  string // and its key
	CA   string // whose certificates clients have to have; they need none if it is empty
}

// secure has the server speak TLS.
func (s *RedisServer) secure(files RedisTLS, credential *syscall.Credential) error {
	if files == (RedisTLS{}) {
		return nil
	}
	own, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return err
	}
	s.tls = &tls.Config{Certificates: []tls.Certificate{own}, InsecureSkipVerify: true}
	s.settings["tls-auth-clients"] = "no"
	if files.CA != "" {
		s.settings["tls-auth-clients"] = "yes"
	}
	for setting, path := range map[string]string{"tls-cert-file": files.Cert, "tls-key-file": files.Key, "tls-ca-cert-file": files.CA} {
		if path == "" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("%s: %w", setting, err)
		}
		copied := filepath.Join(s.Dir, setting)
		if err := os.WriteFile(copied, text, 0o600); err != nil {
			return err
		}
		if credential != nil {
			if err := os.Chown(copied, int(credential.Uid), int(credential.Gid)); err != nil {
				return err
			}
		}
		s.settings[setting] = strconv.Quote(copied)
	}
	return nil
}
