package filecheck

import (
	"errors"
	"io"
	"os"
	"time"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/record"
)

// salvageBatch is how many bytes are copied in one transaction.
const salvageBatch = 4 << 20

// Salvage copies what checksums vouch for in the file r of size bytes to a new file at path, which
// must not be there. Damaged values are left out, and so is what was quarantined. An error means
// that there is no new file.
func Salvage(r io.ReaderAt, size int64, path string) (Report, error) {
	c, err := newCopier(path)
	if err != nil {
		return Report{}, err
	}
	s := newSurvey(r, size)
	s.found = func(b record.Bucket, key, value []byte) error {
		_, err := c.put(b, key, value)
		return err
	}
	err = s.run()
	if err == nil && len(s.lost) > 0 {
		s.report.Orphans, err = s.orphans(c.put)
	}
	err = errors.Join(err, c.close(err == nil))
	s.report.Copied = c.counts
	if err != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return s.report, err
}

// A copier writes a new file.
type copier struct {
	db     *bbolt.DB
	tx     *bbolt.Tx
	bytes  int
	counts record.Counts
}

func newCopier(path string) (*copier, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	db.NoSync = true // until the end
	c := &copier{db: db}
	if err := c.begin(); err != nil {
		return nil, errors.Join(err, db.Close(), os.Remove(path))
	}
	return c, nil
}

func (c *copier) begin() (err error) {
	if c.tx, err = c.db.Begin(true); err != nil {
		return err
	}
	return record.MakeBuckets(c.tx)
}

// put copies one value, unless it is there or has nothing to belong to.
func (c *copier) put(b record.Bucket, key, value []byte) (bool, error) {
	switch b {
	case record.Meta, record.Expiry, record.Quarantined:
		return false, nil // made anew, or not vouched for
	case record.States:
		if !c.has(record.Plain, key) && !c.has(record.Indexed, key) {
			return false, nil
		}
	case record.Plain, record.Indexed:
		if c.has(record.Dead, key) {
			return false, nil
		}
	}
	if c.has(b, key) {
		return false, nil
	}
	if err := c.add(b, key, value); err != nil {
		return false, err
	}
	if b == record.Keys {
		k, err := record.DecodeKey(value)
		if err == nil {
			err = c.add(record.Expiry, record.ExpiryKey(k.Expires, [32]byte(key)), record.ExpiryValue())
		}
		if err != nil {
			return false, err
		}
	}
	return true, c.flush()
}

func (c *copier) bucket(b record.Bucket) *bbolt.Bucket { return c.tx.Bucket([]byte(b.Name())) }

func (c *copier) has(b record.Bucket, key []byte) bool { return c.bucket(b).Get(key) != nil }

func (c *copier) add(b record.Bucket, key, value []byte) error {
	c.counts[b]++
	c.bytes += len(key) + len(value)
	// bbolt keeps what it is given until the commit.
	return c.bucket(b).Put(append([]byte(nil), key...), append([]byte(nil), value...))
}

// flush commits what has gathered, if that is much.
func (c *copier) flush() error {
	if c.bytes < salvageBatch {
		return nil
	}
	c.bytes = 0
	if err := c.tx.Commit(); err != nil {
		return err
	}
	return c.begin()
}

// close commits the rest with the counts, if that is wanted, and syncs the file.
func (c *copier) close(whole bool) error {
	if !whole {
		return errors.Join(c.tx.Rollback(), c.db.Close())
	}
	err := c.counts.Seal(c.tx)
	if err == nil {
		err = c.tx.Commit()
	}
	if err == nil {
		err = c.db.Sync()
	}
	return errors.Join(err, c.db.Close())
}
