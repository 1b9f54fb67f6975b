package httpapi

import "time"

// appendDate writes a time in the one form that HTTP's own fields take (RFC 9110,
// section 5.6.7). It is written by hand because a general layout takes five
// times as long, for every answer.
func appendDate(buf []byte, t time.Time) []byte {
	const (
		days   = "SunMonTueWedThuFriSat"
		months = "JanFebMarAprMayJunJulAugSepOctNovDec"
	)
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	weekday, name := 3*int(t.Weekday()), 3*(int(month)-1)
	buf = append(append(buf, days[weekday:weekday+3]...), ", "...)
	buf = append(appendDigits(buf, day, 2), ' ')
	buf = append(append(buf, months[name:name+3]...), ' ')
	buf = append(appendDigits(buf, year, 4), ' ')
	buf = append(appendDigits(buf, hour, 2), ':')
	buf = append(appendDigits(buf, minute, 2), ':')
	buf = appendDigits(buf, second, 2)
	return append(buf, " GMT"...)
}

// appendDigits writes the last digits of a number.
func appendDigits(buf []byte, n, digits int) []byte {
	start := len(buf)
	for range digits {
		buf = append(buf, '0')
	}
	for i := start + digits - 1; i >= start; i-- {
		buf[i] = byte('0' + n%10)
		n /= 10
	}
	return buf
}
