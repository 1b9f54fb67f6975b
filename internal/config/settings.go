package config

import (
	"cmp"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// Setting is one setting as it is now.
type Setting struct {
	Name   string `json:"name"`   // LARDER_LISTEN
	Value  string `json:"value"`  // with secrets hidden
	Origin string `json:"origin"` // "default", "env", "env:POSTGRES_HOST", "env:REDIS_HOST" or "file:PATH"
}

// Settings lists every setting in the order of the fields.
func (c Config) Settings() []Setting {
	var all []Setting
	v := reflect.ValueOf(c)
	for f := range v.Type().Fields() {
		name := f.Tag.Get("env")
		if name == "" {
			continue
		}
		value := v.FieldByIndex(f.Index).Interface()
		text := fmt.Sprint(value)
		if f.Type == reflect.TypeFor[time.Duration]() {
			text = shortDuration(text)
		}
		if isSecret(f) {
			text = hideSecrets(value)
		}
		all = append(all, Setting{
			Name:   envPrefix + name,
			Value:  text,
			Origin: c.origin(name),
		})
	}
	return all
}

func (c Config) origin(name string) string { return cmp.Or(c.origins[name], "default") }

// PrimaryVariable names the variable of another product that the primary's
// address was made of, POSTGRES_HOST or REDIS_HOST; "" if of none.
func (c Config) PrimaryVariable() string {
	name, others := strings.CutPrefix(c.origin("PRIMARY"), "env:")
	if !others {
		return ""
	}
	return name
}

// shortDuration leaves out what is zero at the end: 168h, not 168h0m0s.
func shortDuration(text string) string {
	if rest, ok := strings.CutSuffix(text, "m0s"); ok {
		text = rest + "m"
	}
	if rest, ok := strings.CutSuffix(text, "h0m"); ok {
		text = rest + "h"
	}
	return text
}

const hidden = "xxxxx"

// hideSecrets gives the text of a setting that can hold passwords.
func hideSecrets(value any) string {
	if backends, several := value.(Backends); several {
		return backends.hideSecrets()
	}
	list, isList := value.(URLs)
	if !isList {
		return HideSecrets(fmt.Sprint(value))
	}
	shown := make(URLs, len(list))
	for i, address := range list {
		shown[i] = HideSecrets(address)
	}
	return shown.String()
}

// HideSecrets gives a URL without the passwords in it: the one of the user,
// and those among the parameters. What can't be read as a URL is hidden
// altogether.
func HideSecrets(text string) string {
	u, others, err := parseURL(text)
	if err != nil {
		return hidden
	}
	params := u.Query()
	found := false
	for name := range params {
		if lower := strings.ToLower(name); strings.Contains(lower, "pass") || strings.Contains(lower, "secret") || strings.Contains(lower, "token") {
			params[name] = []string{hidden}
			found = true
		}
	}
	if found {
		u.RawQuery = params.Encode()
	}
	u.Host += others
	if _, has := u.User.Password(); u.User.Username() != "" && !has && isRedis(text) {
		u.User = url.User(hidden) // a password without the colon before it, as often as not
	}
	return u.Redacted()
}
