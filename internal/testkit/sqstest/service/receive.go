package service

import (
	"context"
	"strconv"
	"time"

	"carrier/internal/sleep"
	"carrier/internal/testkit/sqstest/shapes"
)

const (
	maxReceive    = 10
	maxWait       = 20
	maxVisibility = 43200
)

// asked is a receive, checked and with the queue's own values where it has none.
type asked struct {
	most       int
	visibility time.Duration
	until      time.Time
	names      filter
}

func (s *Service) receiveMessage(ctx context.Context, c *Call, in *shapes.ReceiveMessageIn) (any, *shapes.Error) {
	s.mu.Lock()
	q, err := s.find(in)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	want, err := q.want(in)
	entry := q.journal.beginReceive(c, in, s.now())
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if c.Deaf {
		ctx = context.WithoutCancel(ctx)
	}
	messages, err := q.poll(ctx, want)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	entry.done(s.now(), messages)
	return shapes.ReceiveMessageOut{Messages: messages}, nil
}

func (q *Queue) want(in *shapes.ReceiveMessageIn) (asked, *shapes.Error) {
	most, visibility, wait := 1, q.number("VisibilityTimeout"), q.number("ReceiveMessageWaitTimeSeconds")
	if err := override(&most, in.MaxNumberOfMessages, "MaxNumberOfMessages", limit{least: 1, most: maxReceive}); err != nil {
		return asked{}, err
	}
	if err := override(&visibility, in.VisibilityTimeout, "VisibilityTimeout", limit{most: maxVisibility}); err != nil {
		return asked{}, err
	}
	if err := override(&wait, in.WaitTimeSeconds, "WaitTimeSeconds", limit{most: maxWait}); err != nil {
		return asked{}, err
	}
	return asked{
		most: most, visibility: time.Duration(visibility) * time.Second,
		until: q.s.now().Add(time.Duration(wait) * time.Second), names: q.s.options.newFilter(in),
	}, nil
}

// override sets value to what was asked for, if anything was and it is within l.
func override(value, given *int, name string, l limit) *shapes.Error {
	if given == nil {
		return nil
	}
	if *given < l.least || *given > l.most {
		return shapes.InvalidValue(*given, name, "Must be between "+strconv.Itoa(l.least)+" and "+strconv.Itoa(l.most)+", if provided.")
	}
	*value = *given
	return nil
}

// poll waits until there is something to hand out, the waiting time is over, or the
// caller went away, to whom nothing is handed.
func (q *Queue) poll(ctx context.Context, want asked) ([]shapes.Received, *shapes.Error) {
	for {
		q.s.mu.Lock()
		if q.gone {
			q.s.mu.Unlock()
			return nil, shapes.QueueDoesNotExist()
		}
		now, changed := q.s.now(), q.changed
		var messages []shapes.Received
		if ctx.Err() == nil {
			messages = q.take(now, want)
		}
		pause := q.nextChange(now, want.until).Sub(now)
		q.s.mu.Unlock()
		if len(messages) > 0 || !now.Before(want.until) || ctx.Err() != nil {
			return messages, nil
		}
		sleep.For(ctx, pause, changed)
	}
}

// nextChange is the first time after now, and until at the latest, at which a hidden
// message shows itself again.
func (q *Queue) nextChange(now, until time.Time) time.Time {
	q.each(func(m *stored) bool {
		if m.hidden(now) && m.hiddenUntil.Before(until) {
			until = m.hiddenUntil
		}
		return true
	})
	return until
}

// take hands out what may be handed out now.
func (q *Queue) take(now time.Time, want asked) []shapes.Received {
	var out []shapes.Received
	busy := q.busyGroups(now)
	q.each(func(m *stored) bool {
		if q.fifo() && busy[m.group] {
			return true
		}
		if m.hidden(now) {
			busy[m.group] = true // nothing overtakes a delayed message of its group
			return true
		}
		if q.redriven(m) {
			return true
		}
		out = append(out, q.startLease(m, now, want))
		return len(out) < want.most
	})
	return out
}

func (q *Queue) startLease(m *stored, now time.Time, want asked) shapes.Received {
	q.s.serial++
	m.serial = q.s.serial
	m.receives++
	m.here++
	m.lastReceived, m.hiddenUntil = now, now.Add(want.visibility)
	if m.firstReceived.IsZero() {
		m.firstReceived = now
	}
	q.journal.handedOut(m.id)
	attrs := want.names.message(m.attributes)
	return shapes.Received{
		MessageID: m.id, ReceiptHandle: q.handle(m), Body: m.body, MD5OfBody: shapes.Digest(m.body),
		MD5OfMessageAttributes: shapes.DigestAttributes(attrs), MessageAttributes: attrs,
		Attributes: want.names.system(m.system(q.s.options.Account)),
	}
}

// redriven moves m to the dead-letter queue if handing it out once more would be
// once too often, and reports whether it did.
func (q *Queue) redriven(m *stored) bool {
	policy, ok := shapes.ParseRedrive(q.attrs["RedrivePolicy"])
	if !ok || m.here < policy.Most {
		return false
	}
	for _, target := range q.s.queues {
		if target.arn() == policy.Target && target.fifo() == q.fifo() {
			q.remove(m)
			m.here, m.origin, m.hiddenUntil = 0, q.arn(), q.s.now()
			if target.fifo() {
				target.sequence++
				m.sequence, m.sent = sequenceNumber(target.sequence), q.s.now()
			}
			target.add(m)
			return true
		}
	}
	return false // no such queue: the message stays where it is
}
