package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// otherPrograms are variables with our prefix that are no settings of the
// gateway: LARDER_URL is the client commands', LARDER_TEST_POSTGRES_URL and
// LARDER_TEST_REDIS_URL are the tests'.
var otherPrograms = []string{"URL", "TEST_POSTGRES_URL", "TEST_REDIS_URL"}

// serviceLink matches the variables that Kubernetes sets in every pod for a
// service whose name begins with larder, and Docker for a link.
var serviceLink = regexp.MustCompile(`^LARDER(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// readEnviron picks the settings out of an environment, and the name of the
// YAML file.
func readEnviron(environ []string) (values []given, file given, problems []Problem) {
	known := knownNames()
	for _, variable := range environ {
		name, text, _ := strings.Cut(variable, "=")
		short, ours := strings.CutPrefix(name, envPrefix)
		switch {
		case !ours || text == "" || slices.Contains(otherPrograms, short) || isServiceLink(name, text):
		case short == "CONFIG":
			file = given{where: name, text: text}
		case slices.Contains(known, short):
			values = append(values, given{name: short, text: text, where: name, origin: "env"})
		default:
			problems = append(problems, Problem{name, unknown(name, envPrefix, append(known, "CONFIG"), strings.ToUpper)})
		}
	}
	return values, file, problems
}

func isServiceLink(name, text string) bool {
	return serviceLink.MatchString(name) ||
		strings.HasSuffix(name, "_PORT") && strings.Contains(text, "://")
}

// unknown says that there is no such setting, and which one may be meant.
func unknown(name, prefix string, known []string, spell func(string) string) string {
	spelled := make([]string, len(known))
	for i, k := range known {
		spelled[i] = prefix + spell(k)
	}
	if near := nearest(name, spelled); near != "" {
		return fmt.Sprintf("there is no such setting; did you mean %s?", near)
	}
	return "there is no such setting; `larder config` lists those there are"
}
