package queue

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"carrier/internal/queue/record"
)

// An Entry is what is to be stored.
type Entry struct {
	// Group is the group whose messages are handed out one at a time and in order;
	// empty is none.
	Group string
	// Delay is how long the message is not due; it holds up its group.
	Delay time.Duration
	// Key makes storing idempotent: an entry whose key was stored within the window is not
	// stored again; with another body it is refused. Empty is none.
	Key string
	// Head and Body are handed out as they are. Put keeps copies of them.
	Head, Body []byte
}

// fits says whether a message of so many bytes may be added.
func (o Options) fits(u record.Usage, bytes int64) bool {
	return (o.MaxMessages <= 0 || u.Messages < o.MaxMessages) && (o.MaxBytes <= 0 || u.Bytes+bytes <= o.MaxBytes)
}

// HasRoom says whether an entry with a body of so many bytes would be refused at this moment:
// nil, or ErrFull, ErrClosed or an error that wraps ErrBroken.
func (q *Queue) HasRoom(bytes int64) error {
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

// Stored is what Put says of an entry.
type Stored struct {
	// ID is 32 hexadecimal digits that cannot be guessed.
	ID string
	// Replayed means that the entry's key was known: nothing was stored, and ID is that of the
	// first entry with the key.
	Replayed bool
}

// Put stores e and returns once it is on the disk. ErrFull means that nothing was stored, and
// ErrKeyReused that nothing was since the key belongs to an entry with another body. When ctx
// ends first, or the queue breaks, e may have been stored or not.
func (q *Queue) Put(ctx context.Context, e Entry) (Stored, error) {
	o := newPut(e)
	q.mu.Lock()
	b, err := q.admit(o)
	q.mu.Unlock()
	if errors.Is(err, ErrFull) && e.Key != "" {
		return q.known(o)
	}
	if err != nil {
		return Stored{}, err
	}
	if err := q.wait(ctx, b); err != nil {
		return Stored{}, err
	}
	if o.refused != nil {
		return Stored{}, o.refused
	}
	return Stored{ID: hex.EncodeToString(o.id[:]), Replayed: o.same}, nil
}

// admit charges o to the quota and queues it.
func (q *Queue) admit(o *putOp) (*batch, error) {
	if err := q.usable(); err != nil {
		return nil, err
	}
	if !q.options.fits(q.live, o.cost) {
		return nil, ErrFull
	}
	q.live.Add(o.cost)
	q.seq++
	o.seq = q.seq
	return q.enqueue(o, len(o.value)), nil
}

// known answers for o's key while there is no room for anything new.
func (q *Queue) known(o *putOp) (Stored, error) {
	answer := ErrFull
	var stored Stored
	err := q.view(func(b buckets) error {
		if k, ok, _ := b.lookup(o.key, time.Now().UnixNano()); ok {
			stored, answer = Stored{ID: hex.EncodeToString(k.ID[:]), Replayed: true}, nil
			if !k.Matches(o.digest) {
				stored, answer = Stored{}, ErrKeyReused
			}
		}
		return nil
	})
	if err != nil {
		return Stored{}, err
	}
	return stored, answer
}

// A putOp stores one message.
type putOp struct {
	id      [16]byte
	seq     uint64
	due     int64
	group   string
	hasKey  bool
	key     [sha256.Size]byte
	digest  [sha256.Size]byte // of the body, where there is a key
	value   []byte
	cost    int64
	same    bool  // the key was known, and nothing was stored
	refused error // the disk has no room or the key is another's, and nothing was stored
}

func newPut(e Entry) *putOp {
	now := time.Now()
	o := &putOp{group: e.Group, hasKey: e.Key != ""}
	_, _ = rand.Read(o.id[:]) // never fails: it ends the program where there is no randomness
	if e.Delay > 0 {
		o.due = now.Add(e.Delay).UnixNano()
	}
	o.cost = record.Cost(len(e.Group), len(e.Head), len(e.Body), o.plain())
	if o.hasKey {
		o.key = sha256.Sum256([]byte(e.Key))
		o.digest = sha256.Sum256(e.Body)
	}
	m := record.Message{ID: o.id, Stored: now.UnixNano(), Due: o.due, Group: e.Group, Head: e.Head, Body: e.Body}
	o.value = m.Encode()
	return o
}

func (o *putOp) plain() bool { return o.group == "" && o.due == 0 }

func (o *putOp) idle() bool { return false }

func (o *putOp) write(t *transaction) error {
	if o.refused != nil {
		return nil
	}
	if o.hasKey {
		if stored, err := o.writeKey(t); err != nil || !stored {
			return err
		}
	}
	if o.plain() {
		return t.add(record.Plain, record.SeqKey(o.seq), o.value)
	}
	return t.add(record.Indexed, record.SeqKey(o.seq), o.value)
}

// writeKey stores o's idempotency key; false means that the message is not to be stored.
func (o *putOp) writeKey(t *transaction) (bool, error) {
	t.keyed++
	k, known, err := t.lookup(o.key, t.now)
	if err != nil {
		t.options.Report(ValueIgnored, err)
	}
	switch {
	case known && !k.Matches(o.digest):
		o.refused = ErrKeyReused
		return false, nil
	case known:
		o.same, o.id = true, k.ID
		return false, nil
	case t.options.MaxKeys > 0 && t.counts[record.Keys] >= uint64(t.options.MaxKeys):
		o.refused = ErrKeysFull
		return false, nil
	}
	expires := t.now + t.options.KeyWindow.Nanoseconds()
	return true, t.remember(o.key, record.Key{ID: o.id, Expires: expires, Digest: o.digest, Digested: true})
}

func (o *putOp) apply(q *Queue) {
	o.value = nil
	switch {
	case o.same || o.refused != nil:
		q.live.Drop(o.cost)
	case o.plain():
		q.schedule.AddPlain(o.seq)
	default:
		q.schedule.AddIndexed(o.seq, o.due, o.group)
	}
}
