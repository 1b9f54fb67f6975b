// Package router sends every call to the strategy that its table is stored by.
//
//	routes, err := router.ParseRoutes("*=cache-aside(pg,hot); sessions=primary-only(hot)")
//	r, err := router.New(router.Options{Info: info, System: system, Lanes: lanes})
//	defer r.Close()
//
// A route names a pattern of tables, a strategy and its members. The most specific
// pattern wins: a table's own name before a prefix, and a longer prefix before a shorter
// one. System tables go by no pattern: they are in one member for good, since routes
// themselves are in one.
//
// A [Router] is a store like those behind it, with what they can't have together left
// out: keys whose primaries differ have no moment in common. So an atomic batch over
// them is refused with store.CrossSlot, as one over the slots of a cluster is; over
// tables of different strategies with one primary it is done there.
//
// Routes change while calls run: see [Router.Swap].
package router
