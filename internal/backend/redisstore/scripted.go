package redisstore

import (
	"context"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// argsOfOp is how many arguments of lua/write.lua an operation is.
const argsOfOp = 9

// scripted does the batch by lua/write.lua. done is false where that can't: the
// batch is then to be read and evaluated, and nothing has been written.
func (w *writing) scripted(ctx context.Context) (results []store.Result, done bool, err error) {
	if w.batch.DryRun || !w.writes() {
		return nil, false, nil
	}
	args, ok := w.arguments()
	if !ok {
		return nil, false, nil
	}
	args = append(args, w.s.seen(w.link))
	keys := w.names(len(w.refs))
	for i := range w.refs {
		keys = append(keys, w.shard.entry(w.refs[i]))
	}
	script := w.s.scripts.write
	if w.onlyDeletes() {
		script = w.s.scripts.remove
	}
	answer, err := script.Exec(ctx, w.link.client, keys, args).ToArray()
	if err != nil {
		return nil, true, w.s.outcome(ctx, err)
	}
	word, err := answer[0].ToString()
	if err != nil {
		return nil, true, w.s.damage(err)
	}
	switch word {
	case "ok":
		w.s.tallies.scripted.Add(1)
		results, err = w.read(answer[1:])
		return results, true, w.s.damage(err)
	case "refused":
		return nil, false, w.explain(answer[1:])
	default: // the table has indexes, or other ones
		return nil, false, w.s.learn(ctx, w.link, w.shard, w.tables)
	}
}

// writes says whether any of the batch could.
func (w *writing) writes() bool {
	for i := range w.batch.Ops {
		if w.batch.Ops[i].Kind.Writes() {
			return true
		}
	}
	return false
}

// onlyDeletes says whether nothing grows by the batch, so that it may be done
// where memory is full.
func (w *writing) onlyDeletes() bool {
	for i := range w.batch.Ops {
		if kind := w.batch.Ops[i].Kind; kind.Writes() && kind != store.Delete {
			return false
		}
	}
	return true
}

// arguments says the batch in the script's words; ok is false where it has none.
func (w *writing) arguments() (args []string, ok bool) {
	args = make([]string, 0, 3+2*len(w.tables)+argsOfOp*len(w.refs))
	args = append(args, w.s.clock(), strconv.Itoa(len(w.tables)), strconv.Itoa(len(w.refs)))
	for _, table := range w.tables {
		known := w.s.catalogs.known(w.shard, table)
		if len(known.indexes) > 0 {
			return nil, false
		}
		args = append(args, known.stands(), table)
	}
	for i := range w.batch.Ops {
		op := &w.batch.Ops[i]
		args = append(args, strconv.Itoa(w.tableOf[i]+1), op.Ref.Key)
		if args, ok = appendOp(args, op); !ok {
			return nil, false
		}
	}
	return args, true
}

// appendOp says what is to be done with one entry.
func appendOp(args []string, op *store.Op) ([]string, bool) {
	condition := conditionOf(op.If)
	switch op.Kind {
	case store.Get, store.Check:
		return append(args, "read", condition, "", "", "", "", ""), true
	case store.Delete:
		return append(args, "delete", condition, "", "", "", "", ""), true
	case store.Put:
		mode, at, ok := endingOf(op.Expiry, false)
		flags := tailFlags(op.Value, op.Metadata)
		tail := appendTail(make([]byte, 0, len(op.Value.Data)), op.Value, op.Metadata)
		return append(args, "put", condition, mode, at, defaultOf(op), string([]byte{flags}), string(tail)), ok
	case store.Increment:
		mode, at, ok := endingOf(op.Expiry, true)
		step := op.Increment
		ok = ok && len(step.Path) == 0 && step.Min == nil && step.Max == nil
		return append(args, "add", condition, mode, at, defaultOf(op), string(step.Initial), string(step.Delta)), ok
	}
	return args, false
}

// conditionOf writes a precondition: a for absent, e for existing, or v and the
// versions, one of which has to be the entry's.
func conditionOf(p store.Precondition) string {
	switch {
	case p.Absent:
		return "a"
	case len(p.Versions) > 0:
		b := append(make([]byte, 0, 1+8*len(p.Versions)), 'v')
		for _, v := range p.Versions {
			b = binary.BigEndian.AppendUint64(b, uint64(v))
		}
		return string(b)
	case p.Exists:
		return "e"
	}
	return ""
}

// endingOf writes what becomes of the end of an entry's life; ok is false for what
// is left to Eval. Where an operation leaves that open, one that changes an entry
// keeps what there is.
func endingOf(x store.Expiry, changes bool) (mode, at string, ok bool) {
	if x.Never() {
		return "never", "0", true
	}
	if x.Keeps() || changes && x.IsUnset() {
		return "keep", "0", true
	}
	if t, set := x.Instant(); set {
		return "at", strconv.FormatInt(micros(t), 10), true
	}
	if life, set := x.Duration(); set {
		return "in", strconv.FormatInt(life.Microseconds(), 10), life >= time.Microsecond && life <= store.MaxTTL
	}
	return "", "0", true
}

func defaultOf(op *store.Op) string { return strconv.FormatInt(op.DefaultTTL.Microseconds(), 10) }

// read takes in what the script has done: for each operation a letter, and behind
// it a version or the beginning of a record.
func (w *writing) read(answer []rueidis.RedisMessage) ([]store.Result, error) {
	if len(answer) != len(w.refs) {
		return nil, damagedf("%d operations came to %d results", len(w.refs), len(answer))
	}
	results := make([]store.Result, len(answer))
	for i := range answer {
		b, err := bytesOf(&answer[i])
		if err != nil || len(b) < 9 {
			return nil, damagedf("a result is cut short")
		}
		if results[i], err = w.resultOf(&w.batch.Ops[i], b[0], b[1:]); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func (w *writing) resultOf(op *store.Op, letter byte, b []byte) (store.Result, error) {
	if letter == 'a' {
		version := int64(binary.BigEndian.Uint64(b))
		return store.Result{Entry: store.Entry{Ref: op.Ref, Version: version, Deleted: version > 0}}, nil
	}
	decode := decodeRecord
	if op.Kind == store.Put {
		decode = decodeHead // the rest is what was put
	}
	r, err := decode(b)
	if err != nil {
		return store.Result{}, err
	}
	e, err := r.entry(op.Ref)
	if err != nil {
		return store.Result{}, err
	}
	if op.Kind == store.Put {
		e.Value, e.Metadata = op.Value, op.Metadata
	}
	w.s.sequence.raise(r.sequence)
	return store.Result{Entry: e, Changed: letter != 's', Created: letter == 'c'}, nil
}

// explain has Eval say why the batch fails, from what the script has seen. Where
// Eval would let it pass, it is for the slow way to do.
func (w *writing) explain(answer []rueidis.RedisMessage) error {
	if len(answer) != 1+len(w.tables)+len(w.refs) {
		return w.s.damage(damagedf("a refusal is cut short"))
	}
	seen := &loaded{refs: w.refs, tables: w.tables, tableOf: w.tableOf}
	if err := seen.readHeld(answer); err != nil {
		return w.s.damage(err)
	}
	current, err := seen.entries()
	if err != nil {
		return w.s.damage(err)
	}
	_, err = w.batch.Eval(current, timeFromMicros(seen.now), w.s.options.Limits)
	return err
}
