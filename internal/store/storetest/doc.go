// Package storetest is the suite that every [store.Store] passes: backends,
// wrappers, strategies, and the adapter that speaks to larder over HTTP. With
// it comes the plain [Model] they are all compared with.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, storetest.Harness{
//			Open: func(t testing.TB) store.Store { return open(t, t.TempDir()) },
//		})
//	}
//
// [Run] asks for everything the contract promises, topic by topic.
// [Differential] does random operations on a store and on the model and
// compares every answer; [Cross] does so on two stores. [Linearizable] lets
// many clients loose on a few keys and has their history checked.
//
// The suite never asks which engine it has before it. What a store can't do it
// says itself, by its capabilities; what a harness can't reach, it declares.
package storetest
