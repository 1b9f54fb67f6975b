package replica

import (
	"context"
	"errors"
	"time"

	"larder/internal/store"
)

// mostBetween is the longest pause between two looks at keys that differ.
const mostBetween = 200 * time.Millisecond

// suspect is a key that differs, or is on its way.
type suspect struct {
	first          int64 // the source's version when it was first looked at
	source, target store.Entry
}

// settled says whether the target has what the source has, or follows it: a key that is
// written all the time is never caught in the same state in both.
func (s *suspect) settled() bool {
	from, to := &s.source, &s.target
	following := from.Version > s.first && to.Version >= s.first && to.Version < from.Version
	return following || from.Equal(*to) || !from.Exists() && !to.Exists() || s.expiring()
}

// expiring says whether the two differ in that an entry's life has ended by one clock only.
func (s *suspect) expiring() bool {
	living := s.source
	if !living.Exists() {
		living = s.target
	}
	return s.source.Version == s.target.Version && s.source.Exists() != s.target.Exists() &&
		!living.ExpiresAt.IsZero() && time.Until(living.ExpiresAt).Abs() < time.Minute
}

func (s *suspect) kind() Kind {
	from, to := &s.source, &s.target
	switch {
	case !from.Exists() && from.Version <= to.Version:
		return Extra
	case to.Version == 0:
		return Missing
	case to.Version < from.Version:
		return Behind
	case to.Version > from.Version:
		return Ahead
	default:
		return Differing
	}
}

// settle waits until the suspects are the same, and tells of those that won't be.
func (v *verifier) settle(ctx context.Context) error {
	refs := v.suspects
	v.suspects = nil
	if len(refs) == 0 {
		return nil
	}
	left, err := v.look(ctx, refs, nil)
	deadline := time.After(v.Patience)
	for pause := 5 * time.Millisecond; err == nil && len(left) > 0; pause = min(2*pause, mostBetween) {
		select {
		case <-ctx.Done():
			return store.AsError(ctx.Err())
		case <-deadline:
			return v.tell(ctx, left)
		case <-time.After(pause):
		}
		left, err = v.look(ctx, nil, left)
	}
	return err
}

// look reads keys from both stores, those of refs for the first time, and gives the ones
// that are not settled.
func (v *verifier) look(ctx context.Context, refs []store.Ref, again []suspect) (left []suspect, err error) {
	firsts := make(map[store.Ref]int64, len(again))
	for i := range again {
		firsts[again[i].source.Ref] = again[i].first
		refs = append(refs, again[i].source.Ref)
	}
	for len(refs) > 0 {
		some := refs[:min(v.Page, len(refs))]
		refs = refs[len(some):]
		source, err := v.from.Get(ctx, some)
		if err != nil {
			return nil, err
		}
		target, err := v.to.Get(ctx, some)
		if err != nil {
			return nil, err
		}
		for i, ref := range some {
			s := suspect{first: source.Entries[i].Version, source: source.Entries[i], target: target.Entries[i]}
			if first, known := firsts[ref]; known {
				s.first = first
			}
			if !s.settled() {
				left = append(left, s)
			}
		}
	}
	return left, nil
}

// tell puts differences into the report, and repairs what can be.
func (v *verifier) tell(ctx context.Context, found []suspect) error {
	for i := range found {
		s := &found[i]
		kind := s.kind()
		d := Difference{Ref: s.source.Ref, Kind: kind, Source: s.source.Version, Target: s.target.Version}
		v.report.Counts[kind]++
		if len(v.report.Differences) < v.Listed {
			v.report.Differences = append(v.report.Differences, d)
		}
		if v.Found != nil {
			v.Found(d)
		}
	}
	if !v.Repair {
		return nil
	}
	for rest := found; len(rest) > 0; {
		some := rest[:min(v.Page, len(rest))]
		rest = rest[len(some):]
		if err := v.repair(ctx, some); err != nil {
			return err
		}
	}
	left, err := v.look(ctx, nil, found)
	if err != nil {
		return err
	}
	v.report.Repaired += int64(len(found) - len(left))
	return nil
}

// repair installs what the source has. What is newer in the target stays: versions only grow.
func (v *verifier) repair(ctx context.Context, found []suspect) error {
	var entries []store.Entry
	for i := range found {
		s := &found[i]
		switch kind := s.kind(); {
		case s.source.Exists():
			entries = append(entries, s.source)
		case kind == Behind:
			entries = append(entries, buried(s.source.Ref, s.source.Version))
		case kind == Extra && v.RemoveExtras:
			entries = append(entries, buried(s.source.Ref, s.target.Version+1))
		}
	}
	_, err := installEach(ctx, v.to, entries, func(*store.Entry, error) {})
	return err
}

// buried is a tombstone made now, for a deletion whose own is forgotten.
func buried(ref store.Ref, version int64) store.Entry {
	return store.Entry{Ref: ref, Version: version, Deleted: true, UpdatedAt: time.Now().UTC().Truncate(time.Microsecond)}
}

// installEach installs entries together or, where the target can't hold one of them, one
// by one, and tells of those that are left out.
func installEach(ctx context.Context, to store.Store, entries []store.Entry, refused func(*store.Entry, error)) (installed int64, err error) {
	if len(entries) == 0 {
		return 0, nil
	}
	err = to.Install(ctx, entries)
	if err == nil {
		return int64(len(entries)), nil
	}
	if passes(err) {
		return 0, err
	}
	for i := range entries {
		switch err := to.Install(ctx, entries[i:i+1]); {
		case err == nil:
			installed++
		case passes(err):
			return installed, err
		default:
			refused(&entries[i], err)
		}
	}
	return installed, nil
}

// passes says whether an error is of the target, not of what it was given.
func passes(err error) bool {
	return store.CodeOf(err).Fault() == store.ServersFault || errors.Is(err, store.Canceled)
}
