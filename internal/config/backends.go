package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"larder/internal/router"
)

// Backend is a backend by its name.
type Backend struct {
	Name string // as routes name it
	URL  string // whose scheme picks the engine
}

// Backends are several in one setting, "pg=postgres://…; hot=redis://…", with ";" or a
// line's end between.
type Backends []Backend

// UnmarshalText reads them. What is wrong with one is for validation to say.
func (bs *Backends) UnmarshalText(text []byte) error {
	*bs = nil
	for part := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return r == ';' || r == '\n' }) {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, url, _ := strings.Cut(part, "=")
		*bs = append(*bs, Backend{Name: strings.TrimSpace(name), URL: strings.TrimSpace(url)})
	}
	return nil
}

// String writes them.
func (bs Backends) String() string {
	texts := make([]string, len(bs))
	for i, b := range bs {
		texts[i] = b.Name + "=" + b.URL
	}
	return strings.Join(texts, "; ")
}

// Names are those of the backends.
func (bs Backends) Names() []string {
	names := make([]string, len(bs))
	for i, b := range bs {
		names[i] = b.Name
	}
	return names
}

// hideSecrets hides the passwords in their URLs.
func (bs Backends) hideSecrets() string {
	shown := slices.Clone(bs)
	for i := range shown {
		shown[i].URL = HideSecrets(shown[i].URL)
	}
	return shown.String()
}

// PrimaryName is the name of the only backend where Primary says which.
const PrimaryName = "primary"

// Members are the backends there are: those of Backends, or the primary alone.
func (c Config) Members() Backends {
	if len(c.Backends) > 0 {
		return c.Backends
	}
	return Backends{{Name: PrimaryName, URL: c.Primary}}
}

// SystemMember is the name of the backend that system tables are in.
func (c Config) SystemMember() string {
	if c.System != "" {
		return c.System
	}
	return c.Members()[0].Name
}

// timingNames are those that Server-Timing has for what is no backend: copies in memory, a
// read that others have begun, spans that did not fit, and the whole.
var timingNames = []string{"memory", "flight", "more", "total"}

var backendName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// CheckBackendName says what is wrong with a backend's name, "" for nothing.
func CheckBackendName(name string) string {
	if slices.Contains(timingNames, name) {
		return fmt.Sprintf("%q is what Server-Timing calls something that is no backend, as it does %s; a backend needs another name", name, strings.Join(timingNames, ", "))
	}
	if backendName.MatchString(name) {
		return ""
	}
	return fmt.Sprintf("%q is not the name of a backend; one has a-z, 0-9, - and _, begins with a letter, and is no longer than 32", name)
}

func (c Config) checkBackends() string {
	for i, b := range c.Backends {
		switch {
		case b.URL == "":
			return fmt.Sprintf("the %d. backend is not a name and a URL, such as pg=postgres://user@host/database", i+1)
		case CheckBackendName(b.Name) != "":
			return CheckBackendName(b.Name)
		case slices.Contains(c.Backends[:i].Names(), b.Name):
			return fmt.Sprintf("there are two backends of the name %s", b.Name)
		}
		if wrong := CheckBackendURL(b.URL); wrong != "" {
			return fmt.Sprintf("what %s is set to is %s", b.Name, wrong)
		}
	}
	return ""
}

// ParseRoutes reads routes as LARDER_ROUTES has them, without a look at which backends there
// are.
func ParseRoutes(text string) (router.Routes, error) { return router.ParseRoutes(text) }

// RouteList reads the routes. It fails as Validate says.
func (c Config) RouteList() (router.Routes, error) {
	if c.Routes == "" {
		return router.Routes{{Pattern: "*", Strategy: router.PrimaryOnly, Members: c.Members().Names()[:1]}}, nil
	}
	routes, err := router.ParseRoutes(c.Routes)
	if err != nil {
		return nil, err
	}
	return routes, routes.Validate(c.Members().Names())
}

func (c Config) checkRoutes() string {
	if _, err := c.RouteList(); err != nil {
		return err.Error()
	}
	return ""
}

func (c Config) checkSystem() string {
	if c.System != "" && !slices.Contains(c.Members().Names(), c.System) {
		return fmt.Sprintf("%q is no backend; there are %s", c.System, strings.Join(c.Members().Names(), ", "))
	}
	return ""
}

// databases counts the backends that are PostgreSQL databases.
func (c Config) databases() (n int) {
	for _, b := range c.Members() {
		if isPostgres(b.URL) {
			n++
		}
	}
	return n
}
