package queuefile

import (
	"errors"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"carrier/internal/queue/record"
)

// compactStep is how many bytes are copied in one transaction.
const compactStep = 1 << 20

// Copy copies src, which holds c, to dst, and syncs it once at the end.
func Copy(dst, src *bbolt.DB, c record.Counts) error {
	dst.NoSync = true
	if err := bbolt.Compact(dst, src, compactStep); err != nil {
		return err
	}
	if err := dst.Update(func(tx *bbolt.Tx) error { return c.Seal(tx) }); err != nil {
		return err
	}
	dst.NoSync = false
	return dst.Sync()
}

// RollBack ends tx if it was not committed. bbolt holds its lock until then.
func RollBack(tx *bbolt.Tx) error {
	err := Contained(tx.Rollback)
	if errors.Is(err, bberrors.ErrTxClosed) {
		return nil
	}
	return err
}
