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

// What becomes of a message where there is a target, as Options.OnKept is told.
const (
	// InQueue and InFile say where it is; the answer does too.
	InQueue = "queue"
	InFile  = "file"
	// NotStored means that it is in neither, Unknown that the queue may have it, Refused that the queue
	// can never hold it, and FileFailed that the file did not take it.
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
// confirmed e in time, and while an earlier message of its group is in the file still. What is in the
// file by its key already is not put anywhere.
func (s *Server) keep(ctx context.Context, e queue.Entry) (kept, *request.Problem) {
	file := s.queue.Load()
	if s.options.Target == nil {
		return keepInFile(ctx, file, e, "")
	}
	k, p := s.keepWithTarget(ctx, file, e)
	s.options.OnKept(k.in)
	return k, p
}

func (s *Server) keepWithTarget(ctx context.Context, file *queue.Queue, e queue.Entry) (kept, *request.Problem) {
	if file != nil {
		known, ok, err := file.Known(e)
		switch {
		case err != nil:
			return kept{in: FileFailed}, request.Refused(err)
		case ok:
			return kept{known, InFile}, nil
		case !s.options.Target.IsUp(), file.Subscription(0).Holds(e.Group):
			return keepInFile(ctx, file, e, InFile)
		}
	}
	_, _ = rand.Read(e.ID[:]) // the same in both places: a copy of it can be told
	m, p := messageOf(e)
	if p != nil {
		return kept{in: Refused}, p
	}
	sending, cancel := context.WithTimeout(ctx, s.options.StoreTimeout)
	defer cancel()
	switch r := s.options.Target.Put(sending, m); {
	case r.Err == nil:
		return kept{queue.Stored{ID: r.ID, Replayed: r.Duplicate}, InQueue}, nil
	case publisher.IsPermanent(r.Err):
		return kept{in: Refused}, request.NeverStored(publisher.WhyOf(r.Err) == publisher.TooLarge, r.Err)
	case file != nil:
		return keepInFile(ctx, file, e, InFile)
	case publisher.IsRefused(r.Err):
		return kept{in: NotStored}, request.NotStored(true)
	default:
		return kept{in: Unknown}, request.NotStored(false)
	}
}

func keepInFile(ctx context.Context, file *queue.Queue, e queue.Entry, in string) (kept, *request.Problem) {
	stored, err := file.Put(ctx, e)
	if err != nil {
		return kept{in: FileFailed}, request.Refused(err)
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

// openTarget opens the queue, where nothing else keeps messages.
func (s *Server) openTarget(ctx context.Context) error {
	if s.options.Target == nil || s.options.KeepFile {
		return nil
	}
	return s.options.Target.Open(ctx)
}
