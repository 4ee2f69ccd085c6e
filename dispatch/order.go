package dispatch

import (
	"context"
	"slices"
	"sync"
)

// admit starts the handling of messages, but for those that have to wait behind their group's head
// or for an earlier hand-out of themselves. All enter their lanes before the first is handled:
// otherwise a head that fails at once could not take the rest of its group back with it.
func (d *Dispatcher) admit(receiving, working context.Context, taken ...*delivery) {
	var heads []*delivery
	for _, m := range taken {
		earlier := d.registry.add(m)
		if earlier != nil && !m.Ordered {
			d.start(func() { d.settleAsEarlier(receiving, working, earlier, m) })
			continue
		}
		m.earlier = earlier // m waits for it in their lane
		if d.lanes.enter(m, d.fulfill) {
			heads = append(heads, m)
		}
	}
	d.queue(heads...)
	for _, m := range heads {
		d.start(func() { d.handle(receiving, working, m) })
	}
}

// queue puts heads among those that wait for a slot, but for those that need none: what becomes of
// them was decided before.
func (d *Dispatcher) queue(heads ...*delivery) {
	tickets := make([]*ticket, 0, 10)
	for _, m := range heads {
		if m.ended || m.decided {
			continue
		}
		m.ticket = ticket{}
		if d.o.PerSlot > 1 && !m.Ordered {
			m.ticket.of = m
		}
		d.demand.AddHead(d.places(m))
		tickets = append(tickets, &m.ticket)
	}
	d.slots.join(tickets...)
}

// places is how many messages the head m keeps a place for: those behind it in its lane may go along.
func (d *Dispatcher) places(m *delivery) int {
	if m.Ordered {
		return d.o.PerSlot
	}
	return 1
}

// start runs what handles a message; Run waits for its end.
func (d *Dispatcher) start(handle func()) {
	d.handling.Add(1)
	d.pool.Go(func() {
		defer d.handling.Done()
		handle()
	})
}

// handle delivers and settles m, and after it what waits behind it in its lane, one at a time.
func (d *Dispatcher) handle(receiving, working context.Context, m *delivery) {
	for m != nil {
		lost := d.deliver(receiving, working, m)
		confirmed := d.settleHead(working, m, lost)
		<-d.settling // the place that deliver took
		m = d.nextInLane(working, m, confirmed)
	}
}

// nextInLane is the message behind m in its lane that goes ahead now, if any. Unless m is confirmed
// to have left the queue, what waits behind it goes back: posting it would put it before m. What was
// handed out after m went back is in order; a source may have handed out more before that.
func (d *Dispatcher) nextInLane(working context.Context, m *delivery, confirmed bool) *delivery {
	for {
		if !confirmed && !m.tailReturned {
			d.giveBack(working, d.lanes.takeTail(m))
		}
		next := d.lanes.next(m)
		if next == nil {
			return nil
		}
		if confirmed || m.tailReturned && next.handedOutAfter(m) {
			d.promise(next)
			d.queue(next)
			return next
		}
		d.giveBack(working, append([]*delivery{next}, d.lanes.takeTail(m)...))
	}
}

// handedOutAfter reports whether the source handed m out after head went back to it, as far as
// anybody knows.
func (m *delivery) handedOutAfter(head *delivery) bool {
	return m.Received.IsZero() || !m.Received.Before(head.released)
}

// lanes lets one message of a group go ahead at a time. A group has a lane while its head is in
// flight; what comes behind waits in the lane and takes no slot. It is safe for concurrent use.
type lanes struct {
	mu        sync.Mutex
	tails     map[string][]*delivery
	returning map[string]chan struct{} // closed when the tail that takeTails took is back
}

func newLanes() *lanes {
	return &lanes{tails: map[string][]*delivery{}, returning: map[string]chan struct{}{}}
}

// enter reports whether m may go ahead. If not, it waits in its lane until next or takeTail brings
// it out, and waits is called before that: the application cannot expect it until then, and what it
// asks for has to come from another group.
func (l *lanes) enter(m *delivery, waits func(*delivery)) bool {
	if !m.Ordered {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	tail, busy := l.tails[m.Group]
	if busy {
		waits(m)
		l.tails[m.Group] = append(tail, m)
		return false
	}
	l.tails[m.Group] = nil
	return true
}

// next takes the message behind m, which is the head from now on. Where there is none the lane
// ends, and the group's next message will be a head.
func (l *lanes) next(m *delivery) *delivery {
	if !m.Ordered {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	tail := l.tails[m.Group]
	if len(tail) == 0 {
		delete(l.tails, m.Group)
		return nil
	}
	l.tails[m.Group] = tail[1:]
	return tail[0]
}

// takeTail takes what waits behind the head m, once what takeTails took of the lane is back: m does
// not go back before its tail. The lane stays busy.
func (l *lanes) takeTail(m *delivery) []*delivery {
	if !m.Ordered {
		return nil
	}
	l.mu.Lock()
	returning := l.returning[m.Group]
	l.mu.Unlock()
	if returning != nil {
		<-returning
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	tail := l.tails[m.Group]
	l.tails[m.Group] = nil
	return tail
}

// takeAlong takes up to n messages from the front of what waits behind the head m, to be handed over
// with it. One whose end was decided before, or that was handed out before already, is no such one,
// nor is what comes after it.
func (l *lanes) takeAlong(m *delivery, n int) []*delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	tail := l.tails[m.Group]
	i := 0
	for i < min(n, len(tail)) && !tail[i].ended && tail[i].earlier == nil && !tail[i].Lapsed() {
		i++
	}
	l.tails[m.Group] = tail[i:]
	return slices.Clone(tail[:i])
}

// putBack puts messages before all else that waits behind the head m.
func (l *lanes) putBack(m *delivery, front []*delivery) {
	if len(front) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tails[m.Group] = append(slices.Clone(front), l.tails[m.Group]...)
}

// takeTails takes what waits behind every head, by group. The lanes stay busy. It is called once;
// returned follows for each group when its tail is back.
func (l *lanes) takeTails() map[string][]*delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	tails := map[string][]*delivery{}
	for group, tail := range l.tails {
		if len(tail) > 0 {
			tails[group], l.tails[group] = tail, nil
			l.returning[group] = make(chan struct{})
		}
	}
	return tails
}

func (l *lanes) returned(group string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.returning[group])
}
