package store

import (
	"bytes"
	"crypto/sha256"

	"carrier/internal/queue/record"
)

// Lookup returns what an idempotency key stands for, if that is not over at now, in Unix
// nanoseconds. An error means that the entry is damaged and taken for absent.
func (b Buckets) Lookup(key [sha256.Size]byte, now int64) (record.Key, bool, error) {
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

// Known is Lookup at the time of the transaction. A damaged entry is reported.
func (t *Tx) Known(key [sha256.Size]byte) (record.Key, bool) {
	t.keyed++
	k, known, err := t.Lookup(key, t.Now)
	if err != nil {
		t.Report(err)
	}
	return k, known
}

// Remember stores k under key.
func (t *Tx) Remember(key [sha256.Size]byte, k record.Key) error {
	if err := t.put(record.Keys, key[:], k.Encode()); err != nil {
		return err
	}
	if t.NextExpiry == 0 {
		t.NextExpiry = k.Expires
	}
	return t.put(record.Expiry, record.ExpiryKey(k.Expires, key), record.ExpiryValue())
}

// forgetAtLeast is how many keys whose time is over one commit removes, if it adds none, and
// forgetAtMost how many one removes that does nothing else.
const (
	forgetAtLeast = 64
	forgetAtMost  = 4096
)

// ForgetMany makes the commit remove as many keys as one that does nothing else.
func (t *Tx) ForgetMany() { t.keyed = max(t.keyed, forgetAtMost/2) }

// forgetKeys removes keys whose time is over: twice as many as this commit may have added, so that
// they cannot gather, and no more, so that no commit is held up by them.
func (t *Tx) forgetKeys() error {
	if t.NextExpiry == 0 || t.NextExpiry > t.Now {
		return nil
	}
	limit := max(forgetAtLeast, 2*t.keyed)
	var over [][]byte
	c := t.Buckets[record.Expiry].Cursor()
	k, _ := c.First()
	for ; k != nil && len(over) < limit; k, _ = c.Next() {
		if expires, _, ok := record.CutExpiryKey(k); !ok || expires > t.Now {
			break
		}
		over = append(over, bytes.Clone(k))
	}
	t.NextExpiry = 0
	if expires, _, ok := record.CutExpiryKey(k); ok {
		t.NextExpiry = expires
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
func (t *Tx) forget(expiry []byte) error {
	if err := t.delete(record.Expiry, expiry); err != nil {
		return err
	}
	_, key, _ := record.CutExpiryKey(expiry)
	if _, valid, _ := t.Lookup(key, t.Now); valid {
		return nil
	}
	return t.delete(record.Keys, key[:])
}
