// Package remote is how the client commands speak with a larder: the generated
// client with timeouts that suit a command line, and problems as one line.
//
//	larder, err := remote.New("http://127.0.0.1:8080")
//	var page api.TablePage
//	err = remote.Read(larder.ListTables(ctx, &api.ListTablesParams{}))(&page)
package remote

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"larder/api"
	"larder/internal/buildinfo"
)

// How long the client waits. A body may take as long as it goes on coming.
const (
	connectTimeout = 5 * time.Second
	answerTimeout  = 60 * time.Second // from the end of the request to the head of the answer
	idleTimeout    = 30 * time.Second
	connections    = 8 // kept open, as many as import uses at once
)

// maxAnswer bounds what is read into memory: a page of the largest values.
const maxAnswer = 1 << 30

// New makes a client of the larder at a URL.
func New(address string) (*api.Client, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("%q is not the URL of a larder, such as http://127.0.0.1:8080", address)
	}
	return api.NewClient(address, api.WithHTTPClient(&http.Client{
		Transport: &agent{&http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout:   connectTimeout,
			ResponseHeaderTimeout: answerTimeout,
			IdleConnTimeout:       idleTimeout,
			MaxIdleConnsPerHost:   connections,
		}},
	}))
}

// agent says in each request which client it comes from.
type agent struct{ next http.RoundTripper }

func (a *agent) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", "larder-cli/"+buildinfo.Read().Version)
	return a.next.RoundTrip(r)
}

// Read takes the answer of a call and gives a function that decodes its JSON:
// a successful one into what it is given, any other into an error, which is a
// *Problem where the server gave one.
func Read(response *http.Response, err error) func(into any) error {
	return func(into any) error {
		if err != nil {
			return unreachable(err)
		}
		defer func() { _ = response.Body.Close() }() // it has been read, or is given up
		if response.StatusCode >= 300 {
			return problemOf(response)
		}
		data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if err != nil {
			return fmt.Errorf("the answer broke off: %w", err)
		}
		if into == nil {
			return nil
		}
		if err := json.Unmarshal(data, into); err != nil {
			return fmt.Errorf("the answer is not what a larder gives: %w", err)
		}
		return nil
	}
}

// Copy writes the body of a successful answer as it is.
func Copy(w io.Writer, response *http.Response, err error) error {
	if err != nil {
		return unreachable(err)
	}
	defer func() { _ = response.Body.Close() }() // it has been read, or is given up
	if response.StatusCode >= 300 {
		return problemOf(response)
	}
	if _, err := io.Copy(w, response.Body); err != nil {
		return fmt.Errorf("the value broke off: %w", err)
	}
	return nil
}

// Optional is a parameter that is left out where it is zero.
func Optional[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}
