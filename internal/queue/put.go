package queue

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"
)

// An Entry is what is to be stored.
type Entry struct {
	// Group is the group whose messages are handed out one at a time and in order;
	// empty is none.
	Group string
	// Delay is how long the message is not due; it holds up its group.
	Delay time.Duration
	// Key makes storing idempotent: an entry whose key was stored within the window
	// is not stored again. Empty is none.
	Key string
	// Head and Body are handed out as they are. Put keeps copies of them.
	Head, Body []byte
}

// usage counts messages and what they cost.
type usage struct {
	messages int
	bytes    int64
}

func (u *usage) add(bytes int64) {
	u.messages++
	u.bytes += bytes
}

func (u *usage) drop(bytes int64) {
	u.messages--
	u.bytes = max(0, u.bytes-bytes)
}

// fits says whether a message of so many bytes may be added.
func (o Options) fits(u usage, bytes int64) bool {
	return (o.MaxMessages <= 0 || u.messages < o.MaxMessages) && (o.MaxBytes <= 0 || u.bytes+bytes <= o.MaxBytes)
}

// Room says whether an entry with a body of so many bytes would be refused at this moment:
// nil, or ErrFull, ErrClosed or an error that wraps ErrBroken.
func (q *Queue) Room(bytes int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.usable(); err != nil {
		return err
	}
	if !q.options.fits(q.live, bytes) {
		return ErrFull
	}
	return nil
}

// Put stores e and returns its id once it is on the disk. The id is 32 hexadecimal digits
// that cannot be guessed; for a key that is known it is that of the first entry. ErrFull
// means that nothing was stored. When ctx ends first, or the queue breaks, e may have
// been stored or not.
func (q *Queue) Put(ctx context.Context, e Entry) (string, error) {
	o := newPut(e)
	q.mu.Lock()
	g, err := q.admit(o)
	q.mu.Unlock()
	if errors.Is(err, ErrFull) && e.Key != "" {
		return q.known(o.key)
	}
	if err != nil {
		return "", err
	}
	if err := q.wait(ctx, g); err != nil {
		return "", err
	}
	if o.refused != nil {
		return "", o.refused
	}
	return hex.EncodeToString(o.id[:]), nil
}

// admit charges o to the quota and queues it.
func (q *Queue) admit(o *put) (*group, error) {
	if err := q.usable(); err != nil {
		return nil, err
	}
	if !q.options.fits(q.live, o.cost) {
		return nil, ErrFull
	}
	q.live.add(o.cost)
	q.seq++
	o.seq = q.seq
	return q.enqueue(o, len(o.value)), nil
}

// known answers for a key while there is no room for anything new.
func (q *Queue) known(key [sha256.Size]byte) (id string, err error) {
	err = q.view(func(b buckets) error {
		if k, ok, _ := b.lookup(key, time.Now()); ok {
			id = hex.EncodeToString(k.id[:])
		}
		return nil
	})
	if err == nil && id == "" {
		err = ErrFull
	}
	return id, err
}

// A put is the op that stores one message.
type put struct {
	id      [16]byte
	seq     uint64
	due     int64
	group   string
	hasKey  bool
	key     [sha256.Size]byte
	value   []byte
	cost    int64
	same    bool  // the key was known, and nothing was stored
	refused error // the disk has no room, and nothing was stored
}

func newPut(e Entry) *put {
	now := time.Now()
	o := &put{group: e.Group, hasKey: e.Key != "", cost: cost(e.Group, e.Head, e.Body)}
	_, _ = rand.Read(o.id[:]) // never fails: it ends the program where there is no randomness
	if e.Delay > 0 {
		o.due = now.Add(e.Delay).UnixNano()
	}
	if o.hasKey {
		o.key = sha256.Sum256([]byte(e.Key))
	}
	r := record{id: o.id, stored: now.UnixNano(), due: o.due, group: e.Group, head: e.Head, body: e.Body}
	o.value = r.encode()
	return o
}

func (o *put) plain() bool { return o.group == "" && o.due == 0 }

func (o *put) idle() bool { return false }

func (o *put) write(t *transaction) error {
	if o.refused != nil {
		return nil
	}
	if o.hasKey {
		t.keyed++
		k, ok, err := t.lookup(o.key, t.now)
		if err != nil {
			t.report(ValueIgnored, err)
		}
		if ok {
			o.same, o.id = true, k.id
			return nil
		}
		if err := t.remember(o.key, keyed{id: o.id, expires: t.now.Add(t.window).UnixNano()}); err != nil {
			return err
		}
	}
	if o.plain() {
		return t.plain.Put(seqKey(o.seq), o.value)
	}
	return t.indexed.Put(seqKey(o.seq), o.value)
}

func (o *put) apply(q *Queue) {
	o.value = nil
	switch {
	case o.same || o.refused != nil:
		q.live.drop(o.cost)
	case o.plain():
		q.schedule.addPlain(o.seq)
	default:
		q.schedule.addIndexed(o.seq, o.due, o.group)
	}
}
