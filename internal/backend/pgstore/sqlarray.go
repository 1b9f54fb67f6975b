package pgstore

import "bytes"

// sqlArray is the form of an array whose elements have the given one. The text
// is as PostgreSQL's manual has it (8.15.6), perhaps with bounds in front.
func sqlArray(element sqlForm) sqlForm {
	return func(dst, text []byte) ([]byte, error) {
		if len(text) > 0 && text[0] == '[' {
			_, after, found := bytes.Cut(text, []byte{'='})
			if !found {
				return dst, errNoJSON
			}
			text = after
		}
		p := arrayText{text: text, element: element}
		written, err := p.array(append([]byte(nil), dst...))
		if err != nil || p.at != len(p.text) {
			return dst, errNoJSON
		}
		return written, nil
	}
}

// arrayText is an array as text, read up to a place.
type arrayText struct {
	text    []byte
	at      int
	element sqlForm
}

// next is the byte at the place; 0 at the end.
func (p *arrayText) next() byte {
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

// array reads from "{" up to its "}".
func (p *arrayText) array(dst []byte) (_ []byte, err error) {
	if p.next() != '{' {
		return dst, errNoJSON
	}
	p.at++
	dst = append(dst, '[')
	if p.next() == '}' {
		p.at++
		return append(dst, ']'), nil
	}
	for {
		switch p.next() {
		case '{':
			dst, err = p.array(dst)
		case '"':
			dst, err = p.quoted(dst)
		default:
			dst, err = p.bare(dst)
		}
		if err != nil {
			return dst, err
		}
		sign := p.next()
		p.at++
		switch sign {
		case ',':
			dst = append(dst, ',')
		case '}':
			return append(dst, ']'), nil
		default:
			return dst, errNoJSON
		}
	}
}

func (p *arrayText) quoted(dst []byte) ([]byte, error) {
	p.at++
	text := []byte{}
	for {
		switch c := p.next(); c {
		case 0:
			return dst, errNoJSON
		case '"':
			p.at++
			return appendSQLValue(dst, text, p.element), nil
		case '\\':
			p.at++
			text = append(text, p.next())
		default:
			text = append(text, c)
		}
		if p.at++; p.at > len(p.text) {
			return dst, errNoJSON
		}
	}
}

func (p *arrayText) bare(dst []byte) ([]byte, error) {
	end := bytes.IndexAny(p.text[p.at:], ",}")
	if end <= 0 {
		return dst, errNoJSON
	}
	text := p.text[p.at : p.at+end]
	p.at += end
	if bytes.Equal(text, []byte("NULL")) {
		return append(dst, "null"...), nil
	}
	return appendSQLValue(dst, text, p.element), nil
}
