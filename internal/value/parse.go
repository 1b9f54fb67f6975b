package value

// Parse checks that data is one JSON value (RFC 8259) that every store and client
// can keep and exchange (I-JSON, RFC 7493), and gives its canonical form: UTF-8
// without a byte order mark, no name twice in an object (compared unescaped), no
// lone surrogate, no U+0000, nesting and size within lim, nothing after the value,
// and numbers of at most 800 significant digits that float64 can approximate: not
// over its largest, and not so small that it would take them for 0. Noncharacters
// such as U+FFFF are let through, as Unicode's corrigendum 9 asks.
//
// The Value may alias data, when that is canonical already; so the caller gives data
// away. Errors are *SyntaxError and *TooLargeError.
func Parse(data []byte, lim Limits) (Value, error) {
	lim = lim.withDefaults()
	if len(data) > lim.MaxBytes {
		return Value{}, &TooLargeError{Size: len(data), Max: lim.MaxBytes}
	}
	s := scanner{data: data, maxDepth: lim.MaxDepth, maxBytes: lim.MaxBytes}
	text, f := s.document()
	s.release()
	if f != nil {
		return Value{}, f.asError(lim.MaxBytes)
	}
	return Value{Data: text}, nil
}
