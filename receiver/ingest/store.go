package ingest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	"carrier/internal/queue"
	"carrier/message"
	"carrier/publisher"
	"carrier/receiver"
	"carrier/receiver/ingest/confirmed"
	"carrier/receiver/ingest/request"
)

// What becomes of a message where there is a target, as Options.OnKept is told.
const (
	// InQueue and InFile say where it is; the answer does too.
	InQueue = "queue"
	InFile  = "file"
	// NotStored means that it is in neither, Unknown that the queue may have it, Refused that it can never
	// be stored: the queue cannot hold it, or its key belongs to another; FileFailed that the file did not
	// take it.
	NotStored  = "not_stored"
	Unknown    = "unknown"
	Refused    = "refused"
	FileFailed = "file_failed"
)

// A kept is what became of a message. There is a Stored where it is stored.
type kept struct {
	queue.Stored
	in string // a word of Options.OnKept; empty where there is the file alone
}

// keep stores e and returns once it is safe, or says why it is not. With a target it is put there. Where
// there is a file beside it e goes into the file while the target is away, when the target has not
// confirmed e in time, and while an earlier message of its group is in the file still. What is in either
// by its key already is not put anywhere.
func (s *Server) keep(ctx context.Context, e *request.Parsed) (kept, *request.Problem) {
	file := s.queue.Load()
	if s.options.Target == nil {
		return keepInFile(ctx, file, e, "")
	}
	if e.Signed {
		e.Envelope.Request.Header.Del("Idempotency-Key") // anybody could repeat the request with another
	}
	k, p := s.keepOnce(ctx, file, e)
	s.options.OnKept(k.in)
	return k, p
}

// keepOnce asks first whether e's key is known. One that is on its way with the same key is waited for.
func (s *Server) keepOnce(ctx context.Context, file *queue.Queue, e *request.Parsed) (kept, *request.Problem) {
	if e.Envelope.Timeout > 0 {
		return kept{in: Refused}, request.NoTimeout()
	}
	id, claim, err := s.confirmed.Claim(ctx, e.Key, e.Body)
	switch {
	case errors.Is(err, confirmed.ErrReused):
		return keptNowhere(queue.ErrKeyReused)
	case err != nil:
		return kept{in: Unknown}, request.NotStored(false)
	case id != "":
		return kept{queue.Stored{ID: id, Replayed: true}, InQueue}, nil
	}
	defer func() { claim.End(id) }()
	k, p := s.keepWithTarget(ctx, file, e)
	if k.in == InQueue { // what is in the file is known there
		id = k.ID
	}
	return k, p
}

func (s *Server) keepWithTarget(ctx context.Context, file *queue.Queue, e *request.Parsed) (kept, *request.Problem) {
	if file != nil {
		known, ok, err := file.Known(e.Entry)
		switch {
		case err != nil:
			return keptNowhere(err)
		case ok:
			return kept{known, InFile}, nil
		case !s.options.Target.IsUp(), file.Subscription(0).Holds(e.Group):
			// Else it would be answered with 200 and end among the dead letters.
			if err := s.options.Target.Check(messageOf(e)); err != nil {
				return neverKept(err)
			}
			return keepInFile(ctx, file, e, InFile)
		}
	}
	_, _ = rand.Read(e.ID[:]) // the same in both places: a copy of it can be told
	sending, cancel := context.WithTimeout(ctx, s.options.StoreTimeout)
	defer cancel()
	switch r := s.options.Target.Put(sending, messageOf(e)); {
	case r.Err == nil:
		return kept{queue.Stored{ID: r.ID, Replayed: r.Duplicate}, InQueue}, nil
	case publisher.IsPermanent(r.Err):
		return neverKept(r.Err)
	case file != nil:
		return keepInFile(ctx, file, e, InFile)
	case publisher.IsRefused(r.Err):
		return kept{in: NotStored}, request.NotStored(true)
	default:
		return kept{in: Unknown}, request.NotStored(false)
	}
}

func keepInFile(ctx context.Context, file *queue.Queue, e *request.Parsed, in string) (kept, *request.Problem) {
	e.Head = e.Envelope.Encode()
	stored, err := file.Put(ctx, e.Entry)
	if err != nil {
		return keptNowhere(err)
	}
	return kept{stored, in}, nil
}

// keptNowhere is what err of the file says.
func keptNowhere(err error) (kept, *request.Problem) {
	if errors.Is(err, queue.ErrKeyReused) {
		return kept{in: Refused}, request.Refused(err)
	}
	return kept{in: FileFailed}, request.Refused(err)
}

// neverKept is what a refusal of the target for good says.
func neverKept(err error) (kept, *request.Problem) {
	return kept{in: Refused}, request.NeverStored(publisher.WhyOf(err) == publisher.TooLarge, err)
}

// messageOf is e as it is put into a queue.
func messageOf(e *request.Parsed) *message.Message {
	m := &message.Message{
		ID: hex.EncodeToString(e.ID[:]), Body: e.Body, ContentType: e.Envelope.ContentType, Attributes: e.Envelope.Attributes,
		Group: e.Group, Key: e.Envelope.Key(),
	}
	for _, encoding := range e.Envelope.Request.Header["Content-Encoding"] {
		m.Attributes = append(m.Attributes, message.Attribute{Name: "Content-Encoding", Value: encoding})
	}
	if e.Delay > 0 {
		m.Due = time.Now().Add(e.Delay)
	}
	return m
}

// openTarget opens the queue, where nothing else keeps messages. Its errors are those of opening a source.
func (s *Server) openTarget(ctx context.Context) error {
	if s.options.Target == nil || s.options.KeepFile {
		return nil
	}
	if err := s.options.Target.Open(ctx); err != nil {
		return &receiver.Error{Operation: "forward", Class: receiver.ClassOf(err), Err: err}
	}
	return nil
}
