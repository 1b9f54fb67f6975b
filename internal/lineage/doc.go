// Package lineage knows which member has taken the place of which.
//
//	k, err := lineage.Open(ctx, lineage.Options{Members: members, Changed: …})
//	defer k.Close()
//	claim, err := k.Promote(ctx, lineage.Promotion{Name: "local", Replaces: []string{"pg"}})
//	k.Fence("pg") // why pg must not be used, until k.Lift(ctx, "pg")
//
// A promotion is a claim: an entry that says by its epoch who decides from now on, and whose
// place that was. It is kept in the promoted member first, then in every other one that can
// be reached, and the highest epoch counts. Each instance reads the claims of all members at
// its start and then every second, brings an older one up to date, and goes by the highest
// that it has ever seen. So a member that was replaced while it was away is fenced for all
// who can reach any member that knows, and for all others too as soon as one of those has
// reached it.
//
// Two members have no quorum: nothing here decides by itself that a member is gone for
// good. Whoever promotes one does.
package lineage
