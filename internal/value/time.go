package value

import (
	"strings"
	"time"
)

// TimeLayout is how the times of an entry stand as values, always in UTC: RFC 3339
// with microseconds, of one length, so that they sort as text.
const TimeLayout = "2006-01-02T15:04:05.000000Z"

// FormatTime gives t in TimeLayout, in UTC, cut to the microsecond.
func FormatTime(t time.Time) string { return string(appendTime(make([]byte, 0, len(TimeLayout)), t)) }

// appendTime writes what a Format with TimeLayout would, in a third of the time: for
// RFC 3339 without fractions package time has a way of its own.
func appendTime(dst []byte, t time.Time) []byte {
	dst = t.UTC().AppendFormat(dst, time.RFC3339)
	dst[len(dst)-1] = '.'
	dst = append(dst, "000000Z"...)
	for i, micros := len(dst)-2, t.Nanosecond()/1000; micros > 0; i, micros = i-1, micros/10 {
		dst[i] = byte('0' + micros%10)
	}
	return dst
}

// AppendTime appends FormatTime(t) as a canonical JSON string, quotes included.
func AppendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = appendTime(dst, t)
	return append(dst, '"')
}

// ParseTime reads an RFC 3339 time. If the time lies between two microseconds, it is
// the earlier one and not exact.
func ParseTime(text string) (at time.Time, exact, ok bool) {
	var t time.Time
	if strings.Contains(text, ",") || t.UnmarshalText([]byte(text)) != nil { // package time would take the comma
		return time.Time{}, false, false
	}
	t = t.UTC()
	if year := t.Year(); year < 0 || year > 9999 { // an offset can move it there
		return time.Time{}, false, false
	}
	return t.Truncate(time.Microsecond), isMicroseconds(text), true
}

// parseTime reads one into the JSON string of TimeLayout.
func parseTime(text string) (val []byte, exact, ok bool) {
	at, exact, ok := ParseTime(text)
	if !ok {
		return nil, false, false
	}
	return AppendTime(nil, at), exact, true
}

// isMicroseconds looks at the text, since time.Time has no more than nanoseconds.
func isMicroseconds(text string) bool {
	_, fraction, _ := strings.Cut(text, ".")
	end := strings.IndexAny(fraction, "Z+-")
	return end <= 6 || strings.Trim(fraction[6:end], "0") == ""
}
