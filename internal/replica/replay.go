package replica

import (
	"context"
	"crypto/rand"

	"larder/internal/store"
)

// Replayed is how far the target has come since it was last sent to the beginning.
type Replayed struct {
	Round     string // which time that was
	Done      bool   // it has all that there was then
	Installed int64  // entries since, by whichever process
}

// Replay sends the target back to the beginning of the feed: it gets everything again, and
// what it has that the source has not is removed at the end. Whoever follows, in whatever
// process, notices with his next page. Until then nothing is taken from the target, but
// its lag is not known before it has everything.
func (f *Follower) Replay(ctx context.Context) (round string, err error) {
	for {
		p, _, err := f.load(ctx)
		if err != nil {
			return "", err
		}
		token := rand.Text()
		next := keptPlace{Scope: f.o.Scope, Fresh: true, Token: token, Born: token}
		if _, moved, err := f.replace(ctx, p.kept.Token, p.version, next); err != nil || !moved {
			return token, err
		}
		if err := ctx.Err(); err != nil {
			return "", store.AsError(err)
		}
	}
}

// Replayed tells how far that is.
func (f *Follower) Replayed(ctx context.Context) (Replayed, error) {
	read, err := f.o.To.Get(ctx, []store.Ref{f.ref()})
	if err != nil || !read.Entries[0].Exists() {
		return Replayed{}, err
	}
	kept, err := parsePlace(read.Entries[0])
	return Replayed{Round: kept.Born, Done: !kept.Fresh && err == nil, Installed: kept.Installed}, err
}
