package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is a size. As text it is a whole number, with a unit or without:
// 1048576, 1024KiB, 1MiB, 1MB.
type Bytes int64

var units = []struct {
	name string
	size int64
}{
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"GB", 1e9},
	{"MB", 1e6},
	{"KB", 1e3},
	{"B", 1},
}

// UnmarshalText reads a size; letters of either case will do.
func (b *Bytes) UnmarshalText(text []byte) error {
	number, size := string(text), int64(1)
	for _, unit := range units {
		if at := len(number) - len(unit.name); at > 0 && strings.EqualFold(number[at:], unit.name) {
			number, size = strings.TrimSpace(number[:at]), unit.size
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return err
	}
	if n < 0 || n > math.MaxInt64/size {
		return fmt.Errorf("%s: out of range", text)
	}
	*b = Bytes(n * size)
	return nil
}

// String gives the size in the largest unit that leaves a whole number.
func (b Bytes) String() string {
	for _, unit := range units[:3] {
		if b != 0 && int64(b)%unit.size == 0 {
			return strconv.FormatInt(int64(b)/unit.size, 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}
