package sortedindex

import (
	"encoding/binary"
	"errors"
)

// A member of a set that keeps nothing beside its strings is
//
//	fields ‖ key ‖ 0x00 ‖ length of fields, two bytes, big-endian
//
// Keys have no control characters, so the zero keeps the order of those of which
// one begins the other. A span of an index is one of its members too.
const memberTail = 3

var errMember = errors.New("a member of an index can't be parted")

// Join gives the member for an entry's fields and key.
func Join(fields []byte, key string) []byte {
	member := make([]byte, 0, len(fields)+len(key)+memberTail)
	member = append(member, fields...)
	member = append(member, key...)
	member = append(member, 0)
	return binary.BigEndian.AppendUint16(member, uint16(len(fields)))
}

// Split parts what Join gave. An error means that it did not give that.
func Split(member []byte) (fields, key []byte, err error) {
	end := len(member) - memberTail
	if end < 0 || member[end] != 0 {
		return nil, nil, errMember
	}
	n := int(binary.BigEndian.Uint16(member[end+1:]))
	if n >= end { // no key is empty
		return nil, nil, errMember
	}
	return member[:n], member[n:end], nil
}
