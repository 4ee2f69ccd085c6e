package filecheck

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/record"
)

// salvageBatch is how many bytes are copied in one transaction.
const salvageBatch = 4 << 20

// Salvage copies what checksums vouch for in the file r of size bytes to a new file at path, which
// must not be there. Damaged values are left out, and so is what was quarantined. Where the table of
// subscriptions is lost, those that messages are for are named recovered-1, recovered-2 and so on,
// by their slot, and that of slot 0 is the one without a name. An error means that there is no new
// file.
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
	if s.report.Subscriptions == nil {
		s.report.Subscriptions = recovered(c.slots)
	}
	err = errors.Join(err, c.close(err == nil, s.report.Subscriptions))
	s.report.Copied = c.counts
	if err != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return s.report, err
}

// recovered are the subscriptions of slots, where nobody knows their names.
func recovered(slots uint64) []record.Subscription {
	table := record.DefaultTable()
	for slot := 1; slot < record.MaxSubscriptions; slot++ {
		if slots&(1<<slot) != 0 {
			table = append(table, record.Subscription{
				Slot: slot, Name: fmt.Sprint("recovered-", slot), Pattern: "/", State: record.Removed, Since: time.Now().UnixNano(),
			})
		}
	}
	return table
}

// A copier writes a new file.
type copier struct {
	slots  uint64 // of all messages and dead letters
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
	_, err = c.tx.CreateBucketIfNotExists([]byte(record.Ends.Name())) // until the end, which knows whether it is needed
	return errors.Join(err, record.MakeBuckets(c.tx, record.DefaultTable()))
}

// put copies one value, unless it is there or has nothing to belong to.
func (c *copier) put(b record.Bucket, key, value []byte) (bool, error) {
	switch b {
	case record.Meta, record.Expiry, record.Quarantined:
		return false, nil // made anew, or not vouched for
	case record.States, record.Ends:
		message := record.SeqKey(record.Seq(key))
		if !c.has(record.Plain, message) && !c.has(record.Indexed, message) {
			return false, nil
		}
	case record.Plain, record.Indexed:
		// Where it was for several, the dead letter is one subscription's.
		if to := record.To(value); to == record.FirstSlot && c.has(record.Dead, key) {
			return false, nil
		}
	}
	if c.has(b, key) {
		return false, nil
	}
	c.note(b, key, value)
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

// note notes whom the value is for.
func (c *copier) note(b record.Bucket, key, value []byte) {
	switch b {
	case record.Plain, record.Indexed:
		c.slots |= record.To(value)
	case record.Dead:
		_, slot, _ := record.CutSlotKey(key)
		c.slots |= 1 << slot
	}
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

// close commits the rest with the subscriptions and the counts, if that is wanted, and syncs the
// file.
func (c *copier) close(whole bool, table []record.Subscription) error {
	if !whole {
		return errors.Join(c.tx.Rollback(), c.db.Close())
	}
	var err error
	if record.OnlyFirstSlot(table) && c.slots|record.FirstSlot == record.FirstSlot {
		err = c.tx.DeleteBucket([]byte(record.Ends.Name()))
	}
	err = errors.Join(err, record.PutTable(c.tx, table), c.counts.Seal(c.tx))
	if err == nil {
		err = c.tx.Commit()
	}
	if err == nil {
		err = c.db.Sync()
	}
	return errors.Join(err, c.db.Close())
}
