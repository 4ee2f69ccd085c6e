package queue

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// lookup returns what an idempotency key stands for, if that is not over. An error means
// that the entry is damaged and taken for absent.
func (b buckets) lookup(key [sha256.Size]byte, now time.Time) (keyed, bool, error) {
	v := b.keys.Get(key[:])
	if v == nil {
		return keyed{}, false, nil
	}
	k, err := decodeKeyed(v)
	if err != nil {
		return keyed{}, false, err
	}
	return k, k.expires > now.UnixNano(), nil
}

// remember stores k under key.
func (b buckets) remember(key [sha256.Size]byte, k keyed) error {
	if err := b.keys.Put(key[:], k.encode()); err != nil {
		return err
	}
	return b.expiry.Put(expiryKey(k.expires, key), []byte{valueVersion})
}

func expiryKey(expires int64, key [sha256.Size]byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(expires)), key[:]...)
}

// forgetAtLeast is how many keys whose time is over one commit removes, if it adds none.
const forgetAtLeast = 64

// forgetKeys removes keys whose time is over: twice as many as this commit may have added,
// so that they cannot pile up, and no more, so that no commit is held up by them.
func (t *transaction) forgetKeys() error {
	limit := max(forgetAtLeast, 2*t.keyed)
	var over [][]byte
	c := t.expiry.Cursor()
	for k, _ := c.First(); k != nil && len(over) < limit; k, _ = c.Next() {
		if len(k) != 8+sha256.Size || int64(binary.BigEndian.Uint64(k)) > t.now.UnixNano() {
			break
		}
		over = append(over, append([]byte(nil), k...))
	}
	for _, k := range over {
		if err := t.forget(k); err != nil {
			return err
		}
	}
	return nil
}

// forget removes one entry of the expiry bucket, and the key it names unless that has
// been stored anew since.
func (t *transaction) forget(expiry []byte) error {
	if err := t.expiry.Delete(expiry); err != nil {
		return err
	}
	key := [sha256.Size]byte(expiry[8:])
	if _, valid, _ := t.lookup(key, t.now); valid {
		return nil
	}
	return t.keys.Delete(key[:])
}
