package app

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails where a gateway that has ended leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
