// Package app puts larder together and runs it: the one place that knows all
// the parts.
//
//	gateway, err := app.New(cfg, app.Options{})
//	err = gateway.Run(ctx) // until ctx ends, and then until all is put away
package app
