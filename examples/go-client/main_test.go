package main

import (
	"bytes"
	"context"
	"log"
	"testing"
	"time"

	"larder/api"
	"larder/internal/testenv"
)

const seen = `The shop has apples, pears and quinces.
8 customers took an apple each: 12 are left.
Ada's basket is held for 10 minutes.
Two quinces can't be had: out_of_range at /operations/1/delta.
One can: 4 pears and 0 quinces are left.
Scarce, found by index:
  quince {"left":0,"name":"Quince","price":120}
  pear {"left":4,"name":"Pear","price":80}
Seen while watching: pear {"left":5,"name":"Pear","price":80}
`

func TestTour(t *testing.T) {
	larder := testenv.Build(t).Serve(t, testenv.Options{})
	client, err := api.NewClientWithResponses(larder.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	if err := (shop{client, log.New(&out, "", 0)}).tour(ctx); err != nil {
		t.Fatal(err)
	}
	if out.String() != seen {
		t.Errorf("got\n%s\nwant\n%s", out.String(), seen)
	}
}
