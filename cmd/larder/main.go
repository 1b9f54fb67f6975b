// Command larder is the gateway, and a small client of it.
//
//	larder serve
//	larder put users ada '{"name": "Ada"}'
//	larder get users ada
//
// It exits with 0 where all went well, 1 where something failed, 2 where it
// was called or configured wrongly, and 130 where a client command was
// interrupted.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}
