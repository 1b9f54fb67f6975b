// Package operation carries out work that outlives the request that asked for it.
//
//	runner, err := operation.New(operation.Options{Store: s, Instance: id, Kinds: map[string]operation.Kind{
//		"verify": func(ctx context.Context, t *operation.Task) (any, error) { … },
//	}})
//	defer runner.Close()
//	op, err := runner.Start(ctx, "verify", request)
//
// An operation is an entry of the system table "_operations", so that every instance can
// tell how far it has come, and any can carry it on. One instance runs it, and says so by
// writing the entry every few seconds. One that is not written any more for some time, by
// the clock of whoever looks, is taken over by compare and swap: by an instance that has the
// kind, from the state that the work has saved. An instance that could not write the entry
// for that long ends its part of the work.
//
// So an operation may be run twice for a moment, by one that does not know yet that it was
// taken over. Whatever it does has to stand that.
package operation
