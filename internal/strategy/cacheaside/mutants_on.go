//go:build larder_mutants

package cacheaside

import "os"

// left is the condition that CACHEASIDE_WITHOUT names; settings of larder begin otherwise.
var left = map[string]condition{
	"recent_read": recentRead, "above_floor": aboveFloor, "within_feed": withinFeed,
	"as_new_as_asked": asNewAsAsked, "same_epoch": sameEpoch,
}[os.Getenv("CACHEASIDE_WITHOUT")]

func without(c condition) bool { return c == left }
