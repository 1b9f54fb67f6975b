//go:build !larder_mutants

package cacheaside

// without leaves a condition out. Nothing is left out but in a build for the tests that
// show that each is needed.
func without(condition) bool { return false }
