package config

import (
	"slices"
	"strings"
)

// variables are those that a product's images, and many services that use it,
// are configured by: PREFIX_HOST and its like.
type variables struct {
	prefix string
	names  []string // the first says whether they are meant for larder
	// address makes one of what they say, or tells which of them is wrong.
	address func(text map[string]string) (address, name, wrong string)
}

// allVariables are in the order in which they are looked for. A service with
// several has PostgreSQL to keep what must not be lost.
func allVariables() []variables { return []variables{postgresVariables(), redisVariables()} }

// readVariables makes the address of the primary of the first that are set.
func readVariables(environ []string) (primary given, found bool, problems []Problem) {
	for _, v := range allVariables() {
		if primary, found, problems = v.read(environ); found {
			return primary, true, problems
		}
	}
	return given{}, false, nil
}

// read makes an address. found is false where the host is not set: whatever the
// others are, they are meant for others.
func (v variables) read(environ []string) (primary given, found bool, problems []Problem) {
	var set []given
	for _, variable := range environ {
		name, text, _ := strings.Cut(variable, "=")
		short, theirs := strings.CutPrefix(name, v.prefix)
		if !theirs || text == "" || isServiceLink(envPrefix+name, text) {
			continue
		}
		if known := strings.TrimSuffix(short, "_FILE"); slices.Contains(v.names, known) {
			set = append(set, given{name: short, text: text, where: name, origin: "env"})
			found = found || known == v.names[0]
		}
	}
	if !found {
		return given{}, false, nil
	}
	values, problems := resolveFiles(set)
	text, where := make(map[string]string, len(values)), make(map[string]string, len(values))
	for _, g := range values {
		text[g.name], where[g.name] = g.text, g.where
	}
	address, name, wrong := v.address(text)
	if wrong != "" && len(problems) == 0 {
		problems = append(problems, Problem{where[name], wrong})
	}
	host := v.prefix + v.names[0]
	return given{name: "PRIMARY", text: address, where: host, origin: "env:" + host}, true, problems
}
