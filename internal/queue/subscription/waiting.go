package subscription

import (
	"context"
	"errors"
	"time"

	"carrier/internal/queue/schedule"
	"carrier/internal/queue/store"
)

// ErrInFlight means that a message is under a lease, or is being settled at this moment.
var ErrInFlight = errors.New("message is in flight")

// InFlight returns the messages of s that are under a lease, by their numbers.
func (s *Subscription) InFlight() map[uint64]schedule.InFlight {
	s.set.Mu.Lock()
	defer s.set.Mu.Unlock()
	s.schedule.Advance(time.Now())
	return s.schedule.InFlight()
}

// DropMessage removes a message that waits for s, due or not, of a group if it has one, and costs
// bytes. It returns once that is on the disk; ErrInFlight where the message does not wait. The others
// that get the message keep it.
func (s *Subscription) DropMessage(ctx context.Context, r store.Ref, group string, bytes int64) error {
	set := s.set
	set.Mu.Lock()
	if err := set.Usable(); err != nil {
		set.Mu.Unlock()
		return err
	}
	s.schedule.Advance(time.Now())
	it := s.schedule.TakeWaiting(r.Seq, r.Indexed, group)
	if it == nil {
		set.Mu.Unlock()
		return ErrInFlight
	}
	if it.Receives == nil {
		it.Receives = &schedule.Receives{}
	}
	it.Receives.Size, it.Receives.Lease = bytes, nil // one that is over ends nothing any more
	b := set.Enqueue(&dropOp{ending{sub: s, item: it}}, 0)
	set.Mu.Unlock()
	return set.Wait(ctx, b)
}

type dropOp struct{ ending }

func (o *dropOp) Write(t *Tx) (err error) {
	o.left, err = t.Settle(o.ref(), o.sub.slot)
	return err
}

func (o *dropOp) Apply(set *Set) { o.finish(set) }
