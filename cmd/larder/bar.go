package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar shows progress on a terminal, and nothing elsewhere.
type bar struct{ drawn *progressbar.ProgressBar }

// newBar makes a bar of so many bytes or lines; -1 where nobody knows.
func newBar(w io.Writer, total int64, bytes bool) bar {
	if !isTerminal(w) {
		return bar{}
	}
	return bar{progressbar.NewOptions64(
		total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionShowBytes(bytes),
		progressbar.OptionUseIECUnits(true),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionSetWidth(30),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionEnableColorCodes(os.Getenv("NO_COLOR") == ""),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetSpinnerChangeInterval(0), // or a goroutine goes on drawing after finish
	)}
}

// add moves on. That a terminal can't be drawn to ends no transfer.
func (b bar) add(n int) {
	if b.drawn != nil {
		_ = b.drawn.Add(n)
	}
}

// interrupt makes room for a line; the bar comes back with the next add.
func (b bar) interrupt() {
	if b.drawn != nil {
		_ = b.drawn.Clear()
	}
}

// finish removes the bar.
func (b bar) finish() {
	if b.drawn != nil {
		_ = b.drawn.Exit()
		_ = b.drawn.Clear()
	}
}
