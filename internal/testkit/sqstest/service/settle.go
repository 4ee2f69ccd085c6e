package service

import (
	"context"
	"time"

	"carrier/internal/testkit/sqstest/shapes"
)

func (s *Service) deleteMessage(_ context.Context, c *Call, in *shapes.DeleteMessageIn) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	if err := q.delete(c, 0, in.ReceiptHandle); err != nil {
		return nil, err
	}
	return shapes.Empty{}, nil
}

func (s *Service) deleteMessageBatch(_ context.Context, c *Call, in *shapes.DeleteMessageBatchIn) (any, *shapes.Error) {
	ids := idsOf(in.Entries, func(e shapes.DeleteEntry) string { return e.ID })
	return s.settleEach(c, in, ids, func(q *Queue, i int) *shapes.Error {
		return q.delete(c, i, in.Entries[i].ReceiptHandle)
	})
}

// settleEach does what a batch asks for, of the queue that in names, one entry at a time.
func (s *Service) settleEach(c *Call, in finder, ids []string, do func(q *Queue, i int) *shapes.Error) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(ids); err != nil {
		return nil, err
	}
	return c.batch(ids, func(i int) (any, *shapes.Error) { return shapes.DoneEntry{ID: ids[i]}, do(q, i) }), nil
}

func idsOf[E any](entries []E, id func(E) string) []string {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = id(e)
	}
	return ids
}

// delete removes the message of a handle. A message that is no longer there is
// deleted already. A handle that is not the latest deletes nothing: a standard
// queue says yes all the same, a FIFO queue says that the handle is over, as it also
// does once the message's visibility timeout is.
func (q *Queue) delete(c *Call, index int, handle string) *shapes.Error {
	h, err := q.open(handle)
	entry := Deletion{At: q.s.now(), Op: c.Op, Call: c.N, Index: index, MessageID: h.id}
	if err == nil && h.message != nil {
		usable := h.current && (!q.fifo() || h.message.inFlight(entry.At))
		if usable {
			q.remove(h.message)
			entry.Removed = true
		} else if q.fifo() {
			err = shapes.InvalidValue(handle, "ReceiptHandle", "The receipt handle has expired.")
		}
	}
	entry.Code = codeOf(err)
	q.journal.deletions = append(q.journal.deletions, entry)
	return err
}

func (s *Service) changeVisibility(_ context.Context, c *Call, in *shapes.ChangeVisibilityIn) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	e := shapes.ChangeEntry{ReceiptHandle: in.ReceiptHandle, VisibilityTimeout: in.VisibilityTimeout}
	if err := q.change(c, 0, e); err != nil {
		return nil, err
	}
	return shapes.Empty{}, nil
}

func (s *Service) changeVisibilityBatch(_ context.Context, c *Call, in *shapes.ChangeVisibilityBatchIn) (any, *shapes.Error) {
	ids := idsOf(in.Entries, func(e shapes.ChangeEntry) string { return e.ID })
	return s.settleEach(c, in, ids, func(q *Queue, i int) *shapes.Error {
		return q.change(c, i, in.Entries[i])
	})
}

// change sets a message's visibility timeout, counted from now, and writes it down.
func (q *Queue) change(c *Call, index int, in shapes.ChangeEntry) *shapes.Error {
	entry := VisibilityChange{At: q.s.now(), Op: c.Op, Call: c.N, Index: index, Seconds: -1}
	h, err := q.open(in.ReceiptHandle)
	entry.MessageID = h.id
	if in.VisibilityTimeout != nil {
		entry.Seconds = *in.VisibilityTimeout
	}
	if err == nil {
		err = q.hide(h, in, entry.At)
	}
	entry.Code = codeOf(err)
	q.journal.changes = append(q.journal.changes, entry)
	return err
}

func (q *Queue) hide(h opened, in shapes.ChangeEntry, now time.Time) *shapes.Error {
	if in.VisibilityTimeout == nil {
		return shapes.MissingParameter("VisibilityTimeout")
	}
	seconds := *in.VisibilityTimeout
	if seconds < 0 || seconds > maxVisibility {
		return shapes.InvalidValue(seconds, "VisibilityTimeout", "Must be between 0 and 43200.")
	}
	if held, err := q.holds(h, in.ReceiptHandle, now); !held {
		return err
	}
	until := now.Add(time.Duration(seconds) * time.Second)
	if until.Sub(h.message.lastReceived) > maxVisibility*time.Second {
		return shapes.InvalidValue(seconds, "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
	}
	h.message.hiddenUntil = until
	q.wake()
	return nil
}

// holds reports whether h's owner has the message in flight, and what the service
// says where it has not.
func (q *Queue) holds(h opened, handle string, now time.Time) (bool, *shapes.Error) {
	switch {
	case h.message != nil && h.current && h.message.inFlight(now):
		return true, nil
	case h.message != nil && q.fifo():
		return false, shapes.InvalidValue(handle, "ReceiptHandle", "The receipt handle has expired.")
	case h.message != nil && q.s.options.SilentOnExpired:
		return false, nil
	case h.message != nil && !h.message.inFlight(now):
		return false, shapes.Sender("MessageNotInflight", "The specified message isn't in flight.")
	default:
		return false, shapes.InvalidValue(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	}
}

func codeOf(err *shapes.Error) string {
	if err == nil {
		return ""
	}
	return err.Code
}
