package config

import "strconv"

// checkPort says what is wrong with a port to connect to.
func checkPort(text string) string {
	if n, err := strconv.ParseUint(text, 10, 16); err != nil || n == 0 {
		return strconv.Quote(text) + " is not a port; one lies between 1 and 65535"
	}
	return ""
}
