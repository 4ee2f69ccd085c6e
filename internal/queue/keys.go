package queue

import (
	"bytes"
	"crypto/sha256"
	"time"

	"carrier/internal/queue/record"
)

// lookup returns what an idempotency key stands for, if that is not over at now, in Unix
// nanoseconds. An error means that the entry is damaged and taken for absent.
func (b buckets) lookup(key [sha256.Size]byte, now int64) (record.Key, bool, error) {
	v := b[record.Keys].Get(key[:])
	if v == nil {
		return record.Key{}, false, nil
	}
	k, err := record.DecodeKey(v)
	if err != nil {
		return record.Key{}, false, err
	}
	return k, k.Expires > now, nil
}

// remember stores k under key.
func (t *transaction) remember(key [sha256.Size]byte, k record.Key) error {
	if err := t.put(record.Keys, key[:], k.Encode()); err != nil {
		return err
	}
	if t.nextExpiry == 0 {
		t.nextExpiry = k.Expires
	}
	return t.put(record.Expiry, record.ExpiryKey(k.Expires, key), record.ExpiryValue())
}

// forgetAtLeast is how many keys whose time is over one commit removes, if it adds none, and
// forgetAtMost how many one removes that does nothing else.
const (
	forgetAtLeast = 64
	forgetAtMost  = 4096
)

// forgetKeys removes keys whose time is over: twice as many as this commit may have added, so that
// they cannot gather, and no more, so that no commit is held up by them.
func (t *transaction) forgetKeys() error {
	if t.nextExpiry == 0 || t.nextExpiry > t.now {
		return nil
	}
	limit := max(forgetAtLeast, 2*t.keyed)
	var over [][]byte
	c := t.buckets[record.Expiry].Cursor()
	k, _ := c.First()
	for ; k != nil && len(over) < limit; k, _ = c.Next() {
		if expires, _, ok := record.CutExpiryKey(k); !ok || expires > t.now {
			break
		}
		over = append(over, bytes.Clone(k))
	}
	t.nextExpiry = 0
	if expires, _, ok := record.CutExpiryKey(k); ok {
		t.nextExpiry = expires
	}
	for _, k := range over {
		if err := t.forget(k); err != nil {
			return err
		}
	}
	return nil
}

// forget removes one key of the expiry bucket, and the idempotency key it names unless that has
// been stored anew since.
func (t *transaction) forget(expiry []byte) error {
	if err := t.delete(record.Expiry, expiry); err != nil {
		return err
	}
	_, key, _ := record.CutExpiryKey(expiry)
	if _, valid, _ := t.lookup(key, t.now); valid {
		return nil
	}
	return t.delete(record.Keys, key[:])
}

// forgetExpired queues a commit that forgets keys, where there are any to be forgotten and no
// other commit is under way. The caller holds mu.
func (q *Queue) forgetExpired(now time.Time) {
	if q.usable() == nil && len(q.batches) == 0 && q.nextExpiry != 0 && q.nextExpiry <= now.UnixNano() {
		q.enqueue(forgetOp{}, 0)
	}
}

// A forgetOp is for when nothing else is committed: while no put comes, or all are refused.
type forgetOp struct{}

func (forgetOp) idle() bool { return false }

func (forgetOp) write(t *transaction) error {
	t.keyed = max(t.keyed, forgetAtMost/2)
	return nil
}

func (forgetOp) apply(q *Queue) { q.forgetExpired(time.Now()) }
