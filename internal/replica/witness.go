package replica

import (
	"larder/internal/store"
)

// Witness is the entry of the target's that tells whether it still has what Lag speaks of.
// It is read together with others, and held against Attests.
func (f *Follower) Witness() store.Ref { return f.ref() }

// Attests says whether a target whose witness this was had then all that Lag speaks of. It
// has not where it has forgotten something, as a server does that comes back empty or from
// an old dump, and Lag does not know of that yet.
func (f *Follower) Attests(witness store.Entry) bool {
	at := f.at.Load()
	if at == nil || !witness.Exists() || witness.Version < at.least {
		return false
	}
	last := f.attested.Load()
	if last == nil || last.text != string(witness.Value.Data) {
		kept, err := parsePlace(witness)
		if err != nil {
			return false
		}
		last = &attestation{string(witness.Value.Data), kept}
		f.attested.Store(last)
	}
	return last.kept.Born == at.kept.Born && !last.kept.Fresh
}

// attestation is a witness that was read, and what it says: many reads find the same.
type attestation struct {
	text string
	kept keptPlace
}

// note takes note of where the target stands after an attempt. Readers may have found it
// where it stood before.
func (f *Follower) note(at *place) {
	now, before := *at, f.at.Load()
	now.least = now.version
	if before != nil && before.kept.Born == now.kept.Born {
		now.least = min(before.version, now.version)
	}
	f.at.Store(&now)
}
