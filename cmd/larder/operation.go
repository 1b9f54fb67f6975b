package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

// askEvery lies between two questions how far an operation is.
const askEvery = 250 * time.Millisecond

// await waits for an operation to end, and shows a person how far it is. One that did not
// succeed is an error. To stop waiting does not end the operation.
func await(ctx context.Context, larder *api.Client, s streams, op api.Operation) (api.Operation, error) {
	begun := op.ID
	shown := progressLine{s: s}
	for op.State == api.OperationStateRunning {
		shown.show(op.Progress)
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			shown.clear()
			return op, toGoOn(ctx.Err(), "operation "+begun+" goes on; GET /operations/"+begun+" tells how far it is")
		}
		if err := remote.Read(larder.GetOperation(ctx, begun))(&op); err != nil {
			if _, again := remote.Retry(err); again {
				continue
			}
			shown.clear()
			return op, err
		}
	}
	shown.clear()
	switch {
	case op.Error != nil:
		return op, fmt.Errorf("operation %s: %s", op.ID, op.Error.Detail)
	case op.State != api.OperationStateSucceeded:
		return op, fmt.Errorf("operation %s was %s", op.ID, op.State)
	}
	return op, nil
}

// progressLine is one line of a terminal that is written again and again.
type progressLine struct {
	s     streams
	width int
}

func (l *progressLine) show(p api.OperationProgress) {
	if !isTerminal(l.s.err) {
		return
	}
	text := p.Phase
	switch {
	case p.Total > 0:
		text += fmt.Sprintf(" %d of %d entries", p.Done, p.Total)
	case p.Done > 0:
		text += fmt.Sprintf(" %d entries", p.Done)
	}
	l.write(text)
}

func (l *progressLine) clear() {
	if l.width > 0 {
		l.write("")
		fmt.Fprint(l.s.err, "\r")
	}
}

// write writes over what was there.
func (l *progressLine) write(text string) {
	fmt.Fprint(l.s.err, "\r"+text+strings.Repeat(" ", max(0, l.width-len(text))))
	l.width = len(text)
}
