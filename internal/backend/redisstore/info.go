package redisstore

import "strings"

// parseInfo reads the lines of INFO, which are name:value, and headings.
func parseInfo(text string) map[string]string {
	told := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); found {
			told[name] = value
		}
	}
	return told
}
