// Package strategy has the ways to use one or more stores as one. Each strategy is a
// store.Store over stores, its members, and passes the suite that they pass; so they
// compose, and the router above asks none of them what it is.
//
//	s := strategy.NewPrimaryOnly("primary-only(pg)", pg)
//
// The first member is the primary: it decides on versions and times. A strategy closes
// what it has made itself, and no member.
//
// Those that are more than a few lines are packages of their own below this one.
package strategy
