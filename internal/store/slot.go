package store

// Elsewhere finds the operations whose keys lie in another slot than that of
// the first. A store that writes one slot at a time refuses a batch that has
// such ones with CrossSlot, right after Validate, so that the answer is the
// same whatever is stored, and in a dry run too.
func (b Batch) Elsewhere(slot func(Ref) int) []Failure {
	if len(b.Ops) < 2 {
		return nil
	}
	first := slot(b.Ops[0].Ref)
	var failures []Failure
	for i := range b.Ops[1:] {
		if ref := b.Ops[i+1].Ref; slot(ref) != first {
			failures = append(failures, Failure{Index: i + 1, Err: &Error{
				Code: CrossSlot, Ref: ref, Field: "key", Detail: "this key lies in another slot than that of operation 0",
			}})
		}
	}
	return failures
}
