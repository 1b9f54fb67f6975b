package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"larder/cmd/larder/internal/remote"
)

// checkTimeout lies below the 30 s that container runtimes give a check.
const checkTimeout = 5 * time.Second

type healthcheckCommand struct {
	settings
	Live bool `help:"Ask only whether the process lives (/livez), not whether it is ready (/readyz)."`
}

// Run asks, and says nothing where all is well.
func (c *healthcheckCommand) Run(ctx context.Context) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	address, err := reachable(cfg.Listen)
	if err != nil {
		return err
	}
	larder, err := remote.New("http://" + address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var response *http.Response
	if c.Live {
		response, err = larder.GetLivez(ctx)
	} else {
		response, err = larder.GetReadyz(ctx)
	}
	return remote.Read(response, err)(nil)
}

// reachable gives the address at which a listener can be spoken to from here.
func reachable(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", err
	}
	if port == "0" {
		return "", usage("LARDER_LISTEN is %s; a port that is chosen anew each time can't be checked", listen)
	}
	switch ip, err := netip.ParseAddr(host); {
	case host == "" || err == nil && ip == netip.IPv4Unspecified():
		host = "127.0.0.1"
	case err == nil && ip == netip.IPv6Unspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port), nil
}

// Help says more than the one line.
func (c *healthcheckCommand) Help() string {
	return fmt.Sprintf("For container images without a shell: HEALTHCHECK CMD [\"larder\", \"healthcheck\"]. It waits %v at the most.", checkTimeout)
}
