package cacheaside

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"larder/internal/store"
	"larder/internal/value"
)

// epochRef is where a primary keeps its epoch: a random number that another takes the
// place of when the primary's feed has gone back, as after a restore from a backup or a
// failover that has lost commits. Versions and horizons of before say nothing then.
var epochRef = store.Ref{Table: "_epochs", Key: "copies"}

// storedEpoch is what the entry holds.
type storedEpoch struct {
	Epoch uint64 `json:"epoch,string"`
}

// readEpoch reads the primary's epoch, and gives it one where it has none.
func readEpoch(ctx context.Context, primary store.Store) (uint64, error) {
	read, err := primary.Get(ctx, []store.Ref{epochRef})
	if err != nil {
		return 0, err
	}
	if e := read.Entries[0]; e.Exists() {
		return parseEpoch(e)
	}
	epoch, err := writeEpoch(ctx, primary, store.Precondition{Absent: true})
	if store.CodeOf(err) != store.AlreadyExists {
		return epoch, err
	}
	if read, err = primary.Get(ctx, []store.Ref{epochRef}); err != nil {
		return 0, err
	}
	return parseEpoch(read.Entries[0])
}

// renewEpoch begins a new epoch.
func renewEpoch(ctx context.Context, primary store.Store) (uint64, error) {
	return writeEpoch(ctx, primary, store.Precondition{})
}

func writeEpoch(ctx context.Context, primary store.Store, only store.Precondition) (uint64, error) {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	epoch := binary.BigEndian.Uint64(random[:])
	text := fmt.Appendf(nil, `{"epoch":"%d"}`, epoch)
	v, err := value.Parse(text, value.Limits{MaxBytes: len(text), MaxDepth: 1})
	if err != nil {
		return 0, &store.Error{Code: store.Internal, Err: err}
	}
	_, err = primary.Apply(ctx, store.Batch{Ops: []store.Op{{Kind: store.Put, Ref: epochRef, Value: v, If: only}}})
	return epoch, err
}

func parseEpoch(e store.Entry) (uint64, error) {
	var stored storedEpoch
	if err := json.Unmarshal(e.Value.Data, &stored); err != nil {
		return 0, &store.Error{Code: store.Internal, Ref: e.Ref, Detail: "the epoch of the primary's copies can't be read", Err: err}
	}
	return stored.Epoch, nil
}
