package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

const envPrefix = "LARDER_"

// Source is where settings come from.
type Source struct {
	File    string   // a YAML file; "": what LARDER_CONFIG names, or none
	Environ []string // as os.Environ gives it
}

// given is a setting's text as a source has it.
type given struct {
	name   string // LISTEN, or PRIMARY_FILE
	text   string
	where  string // how to name it to the operator
	origin string
}

// Load gives the settings, or an *Error that lists everything wrong with them.
func Load(src Source) (Config, error) {
	cfg := Default()
	var problems []Problem

	fromEnv, file, wrong := readEnviron(src.Environ)
	problems = append(problems, wrong...)
	if src.File != "" {
		file = given{where: "--config", text: src.File}
	}
	var fromFile []given
	if file.text != "" {
		fromFile, wrong = readFile(file)
		problems = append(problems, wrong...)
	}

	chosen := make(map[string]given)
	for _, layer := range [][]given{fromFile, fromEnv} {
		values, wrong := resolveFiles(layer)
		problems = append(problems, wrong...)
		for _, g := range values {
			chosen[g.name] = g
		}
	}
	_, one := chosen["PRIMARY"]
	if _, several := chosen["BACKENDS"]; !one && !several {
		primary, found, wrong := readVariables(src.Environ)
		problems = append(problems, wrong...)
		if found && len(wrong) == 0 {
			chosen["PRIMARY"] = primary
		}
	}
	problems = append(problems, cfg.parse(chosen)...)
	cfg.origins = make(map[string]string, len(chosen))
	for name, g := range chosen {
		cfg.origins[name] = g.origin
	}
	problems = append(problems, cfg.validate(chosen, problems)...)
	if len(problems) > 0 {
		return Config{}, &Error{Problems: problems}
	}
	return cfg, nil
}

// resolveFiles replaces NAME_FILE by NAME with what the file holds.
func resolveFiles(layer []given) (values []given, problems []Problem) {
	direct := make(map[string]given, len(layer))
	for _, g := range layer {
		direct[g.name] = g
	}
	for _, g := range layer {
		name, isFile := strings.CutSuffix(g.name, "_FILE")
		if !isFile {
			values = append(values, g)
			continue
		}
		if other, both := direct[name]; both {
			problems = append(problems, Problem{g.where, fmt.Sprintf("%s is set as well; keep one of the two", other.where)})
			continue
		}
		data, err := os.ReadFile(g.text)
		if err != nil {
			problems = append(problems, Problem{g.where, fmt.Sprintf("can't be read: %v", err)})
			continue
		}
		text := strings.TrimSpace(string(data))
		if text == "" {
			problems = append(problems, Problem{g.where, fmt.Sprintf("the file %s is empty", g.text)})
			continue
		}
		values = append(values, given{name: name, text: text, where: g.where, origin: "file:" + g.text})
	}
	return values, problems
}

// parse sets the fields that were given.
func (c *Config) parse(chosen map[string]given) []Problem {
	texts := make(map[string]string, len(chosen))
	for name, g := range chosen {
		texts[envPrefix+name] = g.text
	}
	err := env.ParseWithOptions(c, env.Options{Environment: texts, Prefix: envPrefix})
	if err == nil {
		return nil
	}
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return []Problem{{"settings", err.Error()}}
	}
	var problems []Problem
	for _, err := range all.Errors {
		wrong, ok := errors.AsType[env.ParseError](err)
		if !ok {
			problems = append(problems, Problem{"settings", err.Error()})
			continue
		}
		f, _ := reflect.TypeFor[Config]().FieldByName(wrong.Name)
		g := chosen[f.Tag.Get("env")]
		problems = append(problems, Problem{g.where, fmt.Sprintf("%q is not %s", g.text, expected(f.Type))})
	}
	return problems
}

// expected says what a setting of a type looks like.
func expected(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration, such as 500ms, 15s or 1h30m"
	case reflect.TypeFor[Bytes]():
		return "a size, such as 1048576, 64KiB or 1MiB"
	case reflect.TypeFor[bool]():
		return "true or false"
	}
	return "a whole number, such as 128"
}

// names lists the settings in the order of Config's fields.
func names() []string {
	var all []string
	for f := range reflect.TypeFor[Config]().Fields() {
		if name := f.Tag.Get("env"); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// knownNames lists what a source may set: the settings, and NAME_FILE for
// those that can hold a secret.
func knownNames() []string {
	all := names()
	for f := range reflect.TypeFor[Config]().Fields() {
		if isSecret(f) {
			all = append(all, f.Tag.Get("env")+"_FILE")
		}
	}
	return slices.Clip(all)
}

func isSecret(f reflect.StructField) bool { return f.Tag.Get("secret") == "true" }
