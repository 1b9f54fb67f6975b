// Package transfer moves entries between a larder and lines of JSON (NDJSON),
// one entry a line, exactly: numbers keep their digits, bytes their base64.
//
//	in := transfer.Import{Client: larder, Table: "users"}
//	summary, err := in.Run(ctx, file)
//	if err != nil {
//		// summary.Next is the line to go on from
//	}
//
// What Export writes, Import reads.
package transfer
