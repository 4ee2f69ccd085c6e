package queue

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/store"
	"carrier/internal/queue/subscription"
)

// An Entry is what is to be stored.
type Entry struct {
	// ID is the message's id; all zero means that Put makes one.
	ID [16]byte
	// Group is the group whose messages are handed out one at a time and in order;
	// empty is none.
	Group string
	// Delay is how long the message is not due; it holds up its group.
	Delay time.Duration
	// Key makes storing idempotent: an entry whose key was stored within the window is not
	// stored again; with another body it is refused. Empty is none.
	Key string
	// To says which of the configured subscriptions the message is for, a bit for each by its
	// number; 0 is all of them.
	To uint64
	// Head and Body are handed out as they are. Put keeps copies of them.
	Head, Body []byte
}

// HasRoom says whether an entry to these subscriptions, with a body of so many bytes, would be
// refused at this moment: nil, or ErrFull, ErrOffline, ErrClosed or an error that wraps ErrBroken.
func (q *Queue) HasRoom(bytes int64, to uint64) error {
	q.set.Mu.Lock()
	defer q.set.Mu.Unlock()
	if err := q.set.Usable(); err != nil {
		return err
	}
	return q.set.RoomFor(subscription.Charge{Slots: q.set.Slots(to) & q.set.Accepting(), One: bytes, All: bytes})
}

// Stored is what Put says of an entry.
type Stored struct {
	// ID is 32 hexadecimal digits that cannot be guessed.
	ID string
	// Replayed means that the entry's key was known: nothing was stored, and ID is that of the
	// first entry with the key.
	Replayed bool
}

// Put stores e and returns once it is on the disk. ErrFull means that nothing was stored, ErrOffline
// that nothing was since nobody would get it, and ErrKeyReused that nothing was since the key belongs
// to an entry with another body. When ctx ends first, or the queue breaks, e may have been stored or
// not.
func (q *Queue) Put(ctx context.Context, e Entry) (Stored, error) {
	o := q.newPut(e)
	b, err := q.admit(o, &e)
	if errors.Is(err, ErrFull) && e.Key != "" {
		return q.known(o)
	}
	if err != nil {
		return Stored{}, err
	}
	if err := q.set.Wait(ctx, b); err != nil {
		return Stored{}, err
	}
	if o.refused != nil {
		return Stored{}, o.refused
	}
	return Stored{ID: hex.EncodeToString(o.id[:]), Replayed: o.same}, nil
}

// admit charges o to the quotas and queues it. What is to be written is made without the lock, for
// those who get the message at that moment, and made anew where they are others under it.
func (q *Queue) admit(o *putOp, e *Entry) (*subscription.Batch, error) {
	wanted := q.set.Slots(e.To)
	for {
		o.encode(e, wanted&q.set.Accepting())
		b, again, err := q.admitAs(o, wanted)
		if !again {
			return b, err
		}
	}
}

func (q *Queue) admitAs(o *putOp, wanted uint64) (b *subscription.Batch, again bool, err error) {
	q.set.Mu.Lock()
	defer q.set.Mu.Unlock()
	if err := q.set.Usable(); err != nil {
		return nil, false, err
	}
	if o.to != wanted&q.set.Accepting() {
		return nil, true, nil
	}
	if err := q.set.RoomFor(o.charge()); err != nil {
		return nil, false, err
	}
	q.set.Charge(o.charge())
	q.seq++
	o.seq = q.seq
	b = q.set.Enqueue(o, len(o.value))
	q.set.EvictForRoom(o.to)
	return b, false, nil
}

// Known answers for e's key as Put would, and stores nothing: ok is false where the key is not known, or
// e has none. ErrKeyReused means that it belongs to an entry with another body.
func (q *Queue) Known(e Entry) (s Stored, ok bool, err error) {
	if e.Key == "" {
		return Stored{}, false, nil
	}
	s, err = q.known(&putOp{key: sha256.Sum256([]byte(e.Key)), digest: sha256.Sum256(e.Body)})
	if errors.Is(err, ErrFull) {
		return Stored{}, false, nil
	}
	return s, err == nil, err
}

// known answers for o's key while there is no room for anything new.
func (q *Queue) known(o *putOp) (Stored, error) {
	answer := ErrFull
	var stored Stored
	err := q.set.View(func(b store.Buckets) error {
		if k, ok, _ := b.Lookup(o.key, time.Now().UnixNano()); ok {
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
	options   *Options
	id        [16]byte
	stored    int64
	seq       uint64
	due       int64
	group     string
	hasKey    bool
	key       [sha256.Size]byte
	digest    [sha256.Size]byte // of the body, where there is a key
	to        uint64            // slots
	value     []byte
	cost      int64 // to each subscription
	costToAll int64
	same      bool  // the key was known, and nothing was stored
	refused   error // the disk has no room or the key is another's, and nothing was stored
}

func (q *Queue) newPut(e Entry) *putOp {
	now := time.Now()
	o := &putOp{options: &q.options, group: e.Group, hasKey: e.Key != "", stored: now.UnixNano()}
	if o.id = e.ID; o.id == [16]byte{} {
		_, _ = rand.Read(o.id[:]) // never fails: it ends the program where there is no randomness
	}
	if e.Delay > 0 {
		o.due = now.Add(e.Delay).UnixNano()
	}
	o.cost = record.Cost(len(e.Group), len(e.Head), len(e.Body), o.plain())
	if o.hasKey {
		o.key = sha256.Sum256([]byte(e.Key))
		o.digest = sha256.Sum256(e.Body)
	}
	return o
}

// encode makes what is written of e, which is for the subscriptions in slots.
func (o *putOp) encode(e *Entry, slots uint64) {
	o.to, o.costToAll = slots, record.CostToAll(o.cost, slots, o.plain())
	m := record.Message{To: slots, ID: o.id, Stored: o.stored, Due: o.due, Group: e.Group, Head: e.Head, Body: e.Body}
	o.value = m.Encode()
}

func (o *putOp) charge() subscription.Charge {
	return subscription.Charge{Slots: o.to, One: o.cost, All: o.costToAll}
}

func (o *putOp) plain() bool { return o.group == "" && o.due == 0 }

func (o *putOp) Idle() bool { return false }

func (o *putOp) Write(t *subscription.Tx) error {
	if o.refused != nil {
		return nil
	}
	if o.hasKey {
		if stored, err := o.writeKey(t); err != nil || !stored {
			return err
		}
	}
	return t.Add(store.Ref{Seq: o.seq, Indexed: !o.plain()}, o.value)
}

// writeKey stores o's idempotency key; false means that the message is not to be stored.
func (o *putOp) writeKey(t *subscription.Tx) (bool, error) {
	k, known := t.Known(o.key)
	switch {
	case known && !k.Matches(o.digest):
		o.refused = ErrKeyReused
		return false, nil
	case known:
		o.same, o.id = true, k.ID
		return false, nil
	case o.options.MaxKeys > 0 && t.Counts[record.Keys] >= uint64(o.options.MaxKeys):
		o.refused = ErrKeysFull
		return false, nil
	}
	expires := t.Now + o.options.KeyWindow.Nanoseconds()
	return true, t.Remember(o.key, record.Key{ID: o.id, Expires: expires, Digest: o.digest, Digested: true})
}

func (o *putOp) Apply(set *subscription.Set) {
	o.value = nil
	if o.same || o.refused != nil {
		set.Refund(o.charge())
		return
	}
	set.Stored(o.to, o.seq, o.due, o.group)
}

// keySpace is what an idempotency key may take: it lies on a page of its own choosing, and that page
// and those above it are copied.
const keySpace = 4 * 4096

// Space is how much o takes in the file at most. A value that does not go into what is left of a page
// begins a new one, which at worst doubles it.
func (o *putOp) Space() int64 {
	need := 2*int64(len(o.value)) + 512
	if o.hasKey {
		need += keySpace
	}
	return need
}

// Refuse is for when the disk has no room.
func (o *putOp) Refuse() { o.refused = ErrDiskFull }
