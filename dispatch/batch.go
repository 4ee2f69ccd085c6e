package dispatch

import (
	"context"
	"time"

	"carrier/internal/contain"
	"carrier/message"
	"carrier/transmitter"
)

// transmitBatch hands m over once, and with it those that share its slot: others without an order, or
// what follows it in its lane. It decides what becomes of each.
func (d *Dispatcher) transmitBatch(receiving, working context.Context, m *delivery) {
	batch := append([]*delivery{m}, m.ticket.along...)
	defer func() {
		for _, other := range batch[1:] {
			close(other.ticket.answered)
		}
	}()
	if _, err := d.ready(receiving, 0); err != nil || receiving.Err() != nil {
		return
	}
	if !m.Ordered {
		d.postBatch(receiving, working, batch)
		return
	}
	if m.Lapsed() {
		m.lapsed = true
		return
	}
	if d.earlierEnded(m) {
		return
	}
	group := append([]*delivery{m}, d.lanes.takeAlong(m, d.o.PerSlot-1)...)
	d.postBatch(receiving, working, group)
	d.inOrder(group)
}

// postBatch hands over what of batch still has its lease, as many as there are places at the shared
// worker. Of a group nothing goes past one that does not go.
func (d *Dispatcher) postBatch(receiving, working context.Context, batch []*delivery) {
	places := d.acquire(receiving, len(batch))
	defer d.releasePlaces(places)
	if places == 0 || receiving.Err() != nil {
		return
	}
	var going []*delivery
	for i, m := range batch {
		switch {
		case i >= places || m.Ordered && len(going) < i:
			m.again = true
		case m.Lapsed():
			m.lapsed = true
		default:
			going = append(going, m)
		}
	}
	if len(going) == 0 {
		return
	}
	d.postTogether(working, going)
	for _, m := range going {
		m.unposted = handedNothing(&m.outcome)
		m.again = unreached(&m.outcome) || m.unposted && receiving.Err() == nil && working.Err() == nil
	}
}

// handedNothing reports whether the worker did not get the message.
func handedNothing(o *message.Outcome) bool {
	return unreached(o) || o.Verdict == message.Retry && o.Cause == message.Returned
}

// acquire waits for one place at the shared worker, where there is one, and takes up to n as far as
// more are free. It returns zero when receiving ends first.
func (d *Dispatcher) acquire(receiving context.Context, n int) int {
	if !d.o.Share.Acquire(receiving) {
		return 0
	}
	now, cancel := context.WithCancel(receiving)
	cancel()
	got := 1
	for got < n && d.o.Share.Acquire(now) {
		got++
	}
	return got
}

func (d *Dispatcher) releasePlaces(n int) {
	for range n {
		d.o.Share.Release()
	}
}

// postTogether makes one attempt for all of batch. A panic becomes a retry of each.
func (d *Dispatcher) postTogether(working context.Context, batch []*delivery) {
	if len(batch) == 1 {
		d.post(working, batch[0])
		return
	}
	messages := make([]*message.Message, len(batch))
	for i, m := range batch {
		messages[i] = m.Message
		d.registry.post(m)
		m.unposted = false
		d.fulfill(m)
	}
	begun := time.Now()
	var outcomes []message.Outcome
	panicked := contain.Call(func() error {
		outcomes = d.o.Transmitter.(transmitter.Batcher).TransmitBatch(working, messages)
		return nil
	})
	if panicked != nil {
		d.o.Observe(Event{Kind: Panicked, Message: messages[0], Err: panicked})
	}
	for i, m := range batch {
		if panicked == nil {
			m.outcome = outcomes[i]
		} else {
			m.outcome = transmitterPanicked()
			m.outcome.Along = i > 0
		}
		d.attempted(m, begun)
		d.registry.answered(m)
	}
}

// inOrder decides what becomes of a group's batch: the first that does not leave the queue takes all
// that come after it back, whatever was said about them. The head goes its own way; those that
// leave the queue with it are settled with it, and the others are behind it in its lane again.
func (d *Dispatcher) inOrder(group []*delivery) {
	leaving := 0
	for leaving < len(group) && group[leaving].outcome.Ends() {
		leaving++
	}
	head, staying := group[0], group[max(leaving, 1):]
	head.along = group[1:max(leaving, 1)]
	for i, m := range staying {
		if leaving > 0 && i == 0 && !m.again && m.outcome != (message.Outcome{}) {
			m.decided = true
			continue
		}
		m.unposted = m.unposted || m.outcome.Status != 0 // the worker has answered, and does not have it
		m.outcome, m.again, m.lapsed = message.Outcome{}, false, false
	}
	d.lanes.putBack(head, staying)
}
