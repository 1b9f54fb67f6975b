package boltstore

// A write leaves the record of the key's last change where it is. It is stale
// from then on, as its sequence is not that of the entry, and readers pass over
// it. Taking it out at once would cost each write as many pages more as the
// entry itself does, since what is written together was mostly not written
// together before.
//
// Instead every commit looks through a stretch of the order, as soon as a table
// has more stale records than others, and takes out those it finds. They lie
// together, so that is a page or two.
const (
	// sweepSlack is how many stale records are left to a small table.
	sweepSlack = 1000
	// sweepRatio is how many records are looked at for each that becomes
	// stale. Half of them at least are stale then, so their number falls.
	sweepRatio = 4
)

// sweep takes stale records out of the order of change.
func (t *tableTx) sweep() error {
	if t.stale == 0 || t.state.stale() <= max(sweepSlack, t.state.live+t.state.tombstones) {
		return nil
	}
	var stale [][]byte
	cursor := t.changes.Cursor()
	k, v := cursor.Seek(sequenceKey(t.state.swept + 1))
	for range sweepRatio * t.stale {
		if k == nil {
			t.state.swept = 0 // and from the beginning the next time
			break
		}
		change, err := readChange(k, v)
		if err != nil {
			return err
		}
		r, found, err := t.load(string(change.key))
		if err != nil {
			return err
		}
		if !change.isLatest(&r, found) {
			stale = append(stale, k)
		}
		t.state.swept = change.sequence
		k, v = cursor.Next()
	}
	for _, k := range stale {
		if err := t.changes.Delete(k); err != nil {
			return err
		}
	}
	t.state.changes -= int64(len(stale))
	return nil
}

// change is a record in the order of change. The key ends with the transaction.
type change struct {
	sequence int64
	position int64 // µs since 1970 (see timedKey)
	key      []byte
}

func readChange(k, v []byte) (c change, err error) {
	if c.sequence, err = sequenceOf(k); err != nil {
		return change{}, err
	}
	c.position, c.key, err = splitTimedKey(v)
	return c, err
}

// isLatest says whether the change is the last of its key, whose record r is.
func (c *change) isLatest(r *record, found bool) bool { return found && r.sequence == c.sequence }
