package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"larder/api"
)

// watch follows the stock's changes as they happen: first what there is, then a
// pear that comes in meanwhile.
func (s shop) watch(ctx context.Context) error {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	response, err := s.larder.ClientInterface.ListChanges(ctx, "stock", &api.ListChangesParams{}, asEvents)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("watching: %s", response.Status)
	}
	added, err := s.larder.IncrementKeyWithResponse(ctx, "stock", "pear", nil, api.IncrementRequest{Path: "/left", Delta: api.Number("1")})
	if err != nil {
		return err
	}
	if added.JSON200 == nil {
		return problem("adding a pear", added)
	}
	for change, err := range events(response.Body) {
		if err != nil {
			return err
		}
		if change.Key == "pear" && change.Version == added.JSON200.Version {
			s.out.Printf("Seen while watching: pear %s", change.Value)
			return nil
		}
	}
	return fmt.Errorf("the stream ended")
}

// asEvents asks for server-sent events.
func asEvents(_ context.Context, r *http.Request) error {
	r.Header.Set("Accept", "text/event-stream")
	return nil
}

// events reads the changes of a stream of server-sent events. Where one ends,
// another goes on with the last change's cursor as Last-Event-ID.
func events(stream io.Reader) func(yield func(api.Change, error) bool) {
	return func(yield func(api.Change, error) bool) {
		lines := bufio.NewScanner(stream)
		lines.Buffer(nil, 4<<20) // an entry is one line
		var event string
		for lines.Scan() {
			name, text, _ := strings.Cut(lines.Text(), ": ")
			switch {
			case name == "event":
				event = text
			case name == "data" && event == "change":
				var change api.Change
				err := json.Unmarshal([]byte(text), &change)
				if !yield(change, err) || err != nil {
					return
				}
			}
		}
		if err := lines.Err(); err != nil {
			yield(api.Change{}, err)
		}
	}
}
