package boltstore

import (
	"context"
	"errors"
	"io/fs"
	"os"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

const (
	// compactBytes is how much compaction copies in one transaction.
	compactBytes = 4 << 20
	// compactFill leaves a little room in each page, or the first writes
	// after it would split them all.
	compactFill = 0.9
)

// compact copies all that is in the file into a fresh one, closely packed, and
// puts that in its place. The writer does it, so that writes wait; reads go on,
// those under way in the old file, to their end.
//
// The copy is complete and on disk before it takes the old file's name in one
// step, so a crash at any point leaves one or the other. A copy that was not
// finished is removed when the store is next opened.
func (s *Store) compact(ctx context.Context) error {
	if err := s.refusal(); err != nil {
		return err
	}
	old := s.file.Load()
	path := s.options.Path + compactSuffix
	db, err := s.copyInto(ctx, path, old.db)
	if err != nil {
		if removed := os.Remove(path); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed)
		}
		return s.notCompacted(err)
	}
	if err := os.Rename(path, s.options.Path); err != nil {
		return s.notCompacted(errors.Join(err, closeAfter(db, nil), os.Remove(path)))
	}
	s.file.Store(newFile(db))
	old.release()
	s.owned.Go(func() {
		<-old.idle
		if err := old.db.Close(); err != nil {
			s.options.Logger.Error().Err(err).Msg("the file from before compaction could not be closed")
		}
	})
	if err := syncDirectory(s.options.Path); err != nil {
		// After a crash of the host the old file might be there again,
		// without what would be written now.
		s.refuse(err)
		return s.refusal()
	}
	return nil
}

func (s *Store) notCompacted(err error) error {
	if isFull(err) {
		return s.fail(store.StorageFull, "compaction needs room for a copy of the file beside it; the file is as it was", err)
	}
	return s.internal(err)
}

// copyInto makes a file that holds what another does.
func (s *Store) copyInto(ctx context.Context, path string, from *bolt.DB) (*bolt.DB, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	o := s.options
	o.NoSync = true // it is synced once, when it is complete
	db, err := openBolt(&o, path, sizeOf(s.options.Path))
	if err != nil {
		return nil, err
	}
	err = from.View(func(tx *bolt.Tx) error {
		c := copier{db: db, pace: s.pace(ctx)}
		return c.copy(tx)
	})
	if err == nil && !s.options.NoSync {
		err = db.Sync()
	}
	if err != nil {
		return nil, closeAfter(db, err)
	}
	db.NoSync = s.options.NoSync
	return db, nil
}

// copier copies buckets in transactions of a bounded size.
type copier struct {
	db   *bolt.DB
	tx   *bolt.Tx
	size int
	pace pace
}

func (c *copier) copy(from *bolt.Tx) error {
	err := from.ForEach(func(name []byte, bucket *bolt.Bucket) error {
		return c.copyBucket(name, bucket)
	})
	if err == nil {
		return c.commit()
	}
	if c.tx != nil {
		err = errors.Join(err, c.tx.Rollback())
	}
	return err
}

func (c *copier) copyBucket(name []byte, from *bolt.Bucket) error {
	to, err := c.bucket(name)
	if err != nil {
		return err
	}
	cursor := from.Cursor()
	for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
		if c.pace.ended() {
			return c.pace.err()
		}
		if c.size += len(k) + len(v); c.size > compactBytes {
			if err := c.commit(); err != nil {
				return err
			}
			if to, err = c.bucket(name); err != nil {
				return err
			}
		}
		if err := to.Put(k, v); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) bucket(name []byte) (*bolt.Bucket, error) {
	if c.tx == nil {
		tx, err := c.db.Begin(true)
		if err != nil {
			return nil, err
		}
		c.tx = tx
	}
	bucket, err := c.tx.CreateBucketIfNotExists(name)
	if err == nil {
		bucket.FillPercent = compactFill
	}
	return bucket, err
}

func (c *copier) commit() error {
	tx := c.tx
	c.tx, c.size = nil, 0
	if tx == nil {
		return nil
	}
	return tx.Commit()
}
