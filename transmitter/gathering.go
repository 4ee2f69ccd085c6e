package transmitter

import (
	"context"
	"sync"

	"carrier/internal/contain"
	"carrier/message"
)

// A Gathering lets a batch go through middlewares that know single messages only. Around takes a batch
// apart: each message goes through them by itself, so that each is given up, put off or refused by
// itself. At the End those that come as far meet again, and are handed over together. Between the two
// may be several Ends, as behind a Failover; what is refused at one goes on to the next.
//
// Of a batch that is ordered only its first messages are handed over, without a gap and in one request:
// a message that comes alone because one before it did not is left out (message.Returned).
//
// The zero Gathering is ready for use. All methods are safe for concurrent use.
type Gathering struct {
	mu sync.Mutex
	of map[*message.Message]*member
}

// A meeting is one batch on its way. Its fields are guarded by the Gathering's lock.
type meeting struct {
	members []*member
	moving  int // how many are neither waiting at an End, nor handed over, nor done
}

// A member is one message of a meeting.
type member struct {
	*meeting
	m    *message.Message
	at   *end      // where it waits; nil where it does not
	next chan turn // buffered; says what follows the waiting
}

// A turn is what follows the waiting: the message's outcome, or the batch that it is the first of and
// hands over.
type turn struct {
	outcome message.Outcome
	batch   []*member
}

// Around makes a Batcher of next, at whose ends are Ends of g.
func (g *Gathering) Around(next Transmitter) Batcher { return &around{next, g} }

type around struct {
	Transmitter
	g *Gathering
}

// TransmitBatch has each message of batch transmitted by itself, until they meet.
func (a *around) TransmitBatch(ctx context.Context, batch []*message.Message) []message.Outcome {
	members := a.g.begin(batch)
	outcomes := make([]message.Outcome, len(batch))
	var all sync.WaitGroup
	for i, m := range batch {
		all.Go(func() {
			defer a.g.leave(members[i])
			if err := contain.Call(func() error {
				outcomes[i] = a.Transmit(ctx, m)
				return nil
			}); err != nil {
				outcomes[i] = panicked(err)
			}
		})
	}
	all.Wait()
	return outcomes
}

// begin puts the messages of batch on their way.
func (g *Gathering) begin(batch []*message.Message) []*member {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of == nil {
		g.of = map[*message.Message]*member{}
	}
	t := &meeting{moving: len(batch)}
	for _, m := range batch {
		one := &member{meeting: t, m: m, next: make(chan turn, 1)}
		t.members = append(t.members, one)
		g.of[m] = one
	}
	return t.members
}

// leave notes that one is done.
func (g *Gathering) leave(one *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.of, one.m)
	one.moved()
}

// End is where messages are handed over to next: those of a batch together, the others by themselves.
func (g *Gathering) End(next Batcher) Transmitter { return &end{next, g} }

type end struct {
	Batcher
	g *Gathering
}

// Transmit waits until every other message of m's batch is at an End, too, or done, or with the
// application, and then hands over those that are here.
func (e *end) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	one := e.g.arrive(e, m)
	if one == nil {
		return e.Batcher.Transmit(ctx, m)
	}
	t := <-one.next
	if len(t.batch) == 0 {
		return t.outcome
	}
	outcomes := e.handOver(ctx, t.batch)
	e.g.resume(t.batch)
	for i, other := range t.batch[1:] {
		other.next <- turn{outcome: outcomes[i+1]}
	}
	return outcomes[0]
}

// handOver hands over one batch. A panic becomes a retry of each.
func (e *end) handOver(ctx context.Context, batch []*member) (outcomes []message.Outcome) {
	messages := make([]*message.Message, len(batch))
	for i, one := range batch {
		messages[i] = one.m
	}
	err := contain.Call(func() error {
		if len(messages) == 1 {
			outcomes = []message.Outcome{e.Batcher.Transmit(ctx, messages[0])}
		} else {
			outcomes = e.TransmitBatch(ctx, messages)
		}
		return nil
	})
	if err == nil {
		return outcomes
	}
	outcomes = make([]message.Outcome, len(batch))
	for i := range outcomes {
		outcomes[i] = panicked(err)
		outcomes[i].Along = i > 0
	}
	return outcomes
}

// panicked is the outcome of an attempt in which the transmitter panicked.
func panicked(err error) message.Outcome {
	return message.Outcome{Cause: message.Failed, Code: "error", Reason: "the transmitter panicked: " + err.Error()}
}

// arrive has m wait at e; nil where it belongs to no batch.
func (g *Gathering) arrive(e *end, m *message.Message) *member {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.of[m]
	if one != nil {
		one.at = e
		one.moved()
	}
	return one
}

// resume notes that the messages of batch are on their way again.
func (g *Gathering) resume(batch []*member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	batch[0].moving += len(batch)
}

// moved notes that one member of t less is on its way. When none is, those that wait at the same End
// are handed over together. The lock is held.
func (t *meeting) moved() {
	t.moving--
	if t.moving > 0 {
		return
	}
	if t.members[0].m.Ordered {
		t.dismiss(t.handOverFrom(0, true))
		return
	}
	for i := range t.members {
		t.handOverFrom(i, false)
	}
}

// handOverFrom has the member i, if it waits, hand over those that wait where it does: itself and what
// is behind it, up to the first that waits nowhere or elsewhere where gapless is true. It returns what
// is left out. The lock is held.
func (t *meeting) handOverFrom(i int, gapless bool) (left []*member) {
	first := t.members[i]
	at := first.at
	var batch []*member
	for _, one := range t.members[i:] {
		switch {
		case at != nil && one.at == at && (!gapless || len(left) == 0):
			batch = append(batch, one)
			one.at = nil
		default:
			left = append(left, one)
		}
	}
	if len(batch) > 0 {
		first.next <- turn{batch: batch}
	}
	return left
}

// dismiss has those members that wait go on without being handed over. The lock is held.
func (t *meeting) dismiss(members []*member) {
	for _, one := range members {
		if one.at != nil {
			one.at = nil
			t.moving++
			one.next <- turn{outcome: message.Outcome{Reason: "not posted: one before it in its group was not"}}
		}
	}
}
