package ingest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"carrier/internal/queue"
	"carrier/message"
	"carrier/publisher"
	"carrier/receiver/ingest/request"
)

// Where a message was stored, as the answer says it where there is a choice.
const (
	inQueue = "queue"
	inFile  = "file"
)

// A kept is a message that is stored.
type kept struct {
	queue.Stored
	in string // empty where there is the file alone
}

// keep stores e and returns once it is safe. With a target it is put there. Where there is a file
// beside it e goes into the file while the target is away, when the target has not confirmed e in
// time, and while an earlier message of its group is in the file still.
func (s *Server) keep(ctx context.Context, e queue.Entry) (kept, *request.Problem) {
	target, file := s.options.Target, s.queue.Load()
	if target == nil {
		return keepInFile(ctx, file, e, "")
	}
	if file != nil && (!target.IsUp() || file.Subscription(0).Holds(e.Group)) {
		return keepInFile(ctx, file, e, inFile)
	}
	_, _ = rand.Read(e.ID[:]) // the same in both places: a copy of it can be told
	m, p := messageOf(e)
	if p != nil {
		return kept{}, p
	}
	sending, cancel := context.WithTimeout(ctx, s.options.StoreTimeout)
	defer cancel()
	switch r := target.Put(sending, m); {
	case r.Err == nil:
		return kept{queue.Stored{ID: r.ID, Replayed: r.Duplicate}, inQueue}, nil
	case publisher.IsPermanent(r.Err):
		return kept{}, request.NeverStored(publisher.WhyOf(r.Err) == publisher.TooLarge, r.Err)
	case file != nil:
		return keepInFile(ctx, file, e, inFile)
	default:
		return kept{}, request.NotStored(publisher.IsRefused(r.Err))
	}
}

func keepInFile(ctx context.Context, file *queue.Queue, e queue.Entry, in string) (kept, *request.Problem) {
	stored, err := file.Put(ctx, e)
	if err != nil {
		return kept{}, request.Refused(err)
	}
	return kept{stored, in}, nil
}

// messageOf is e as it is put into a queue, or why it cannot be kept there.
func messageOf(e queue.Entry) (*message.Message, *request.Problem) {
	envelope, err := request.DecodeEnvelope(e.Head)
	if err != nil {
		return nil, request.NotAcknowledged()
	}
	if envelope.Timeout > 0 {
		return nil, request.NoTimeout()
	}
	m := &message.Message{
		ID: hex.EncodeToString(e.ID[:]), Body: e.Body, ContentType: envelope.ContentType, Attributes: envelope.Attributes,
		Group: e.Group, Key: envelope.Key(),
	}
	for _, encoding := range envelope.Request.Header["Content-Encoding"] {
		m.Attributes = append(m.Attributes, message.Attribute{Name: "Content-Encoding", Value: encoding})
	}
	if e.Delay > 0 {
		m.Due = time.Now().Add(e.Delay)
	}
	return m, nil
}

// openTarget opens the queue, where nothing else keeps messages, or lets it be opened beside.
func (s *Server) openTarget(ctx context.Context) error {
	switch target := s.options.Target; {
	case target == nil || s.opening != nil:
		return nil
	case !s.options.KeepFile:
		return target.Open(ctx)
	default:
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		s.opening = cancel
		s.beside.Go(func() { target.Run(ctx) })
		return nil
	}
}

// closeTarget closes the queue, once no request is being answered.
func (s *Server) closeTarget() error {
	if s.options.Target == nil {
		return nil
	}
	if s.opening != nil {
		s.opening()
	}
	s.beside.Wait()
	return s.options.Target.Close()
}
