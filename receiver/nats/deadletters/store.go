// Package deadletters looks at the dead letters of a NATS consumer, which lie in the stream that takes
// its dead-letter subject, and publishes them again to the subjects they came from.
//
// The stream is read by sequence numbers: no consumer is made, so that nothing is left behind there
// and nobody else misses a message.
package deadletters

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"carrier/internal/deadletter"
	"carrier/message"
	publisher "carrier/publisher/nats"
	"carrier/receiver"
	"carrier/receiver/nats"
	"carrier/receiver/nats/api"
)

// A Store is the dead letters of one consumer. It implements deadletter.Store.
type Store struct {
	place nats.Place
	back  *publisher.Publisher
	name  string // of the stream
}

var _ deadletter.Store = (*Store)(nil)

// Open finds the consumer that o names and the stream with its dead letters.
func Open(ctx context.Context, o nats.Options) (*Store, error) {
	place, err := nats.Locate(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Store{
		place: place, back: publisher.OverMany(place.Client, subjectOf, place.MaxBytes), name: place.Dead.CachedInfo().Config.Name,
	}, nil
}

// subjectOf is where a letter goes that is on its way back: see letter.
func subjectOf(m *message.Message) string { return m.Source }

// A letter is one dead letter.
type letter struct {
	message  *message.Message
	sequence uint64
	subject  string // that it came from; empty where it does not say so
}

// read makes a letter of what the stream holds.
func (s *Store) read(raw *jetstream.RawStreamMsg) letter {
	m := &message.Message{
		ID: api.ID(s.name, raw.Sequence, raw.Time), OriginalID: raw.Header.Get(receiver.OriginalIDAttribute),
		Body: raw.Data, ContentType: raw.Header.Get(api.ContentTypeHeader), Group: raw.Header.Get(api.GroupHeader),
		Attributes: api.Attributes(raw.Header),
	}
	return letter{m, raw.Sequence, raw.Header.Get(receiver.SubjectAttribute)}
}

// errGone means that the stream holds no such message.
var errGone = jetstream.ErrMsgNotFound

// get reads the message at sequence, or with options the next one behind it.
func (s *Store) get(ctx context.Context, sequence uint64, options ...jetstream.GetMsgOpt) (letter, error) {
	raw, err := api.Do(ctx, s.place.Client, api.OpLook, func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
		return s.place.Dead.GetMsg(ctx, sequence, options...)
	})
	switch {
	case ctx.Err() != nil && err != nil:
		return letter{}, ctx.Err()
	case err != nil:
		return letter{}, err
	case raw.Subject != s.place.Subject:
		return letter{}, errGone // it is no dead letter
	}
	return s.read(raw), nil
}

// next returns the first letter behind the sequence after, and up to last.
func (s *Store) next(ctx context.Context, after, last uint64) (letter, bool, error) {
	if after >= last {
		return letter{}, false, nil
	}
	l, err := s.get(ctx, after+1, jetstream.WithGetMsgSubject(s.place.Subject))
	if errors.Is(err, errGone) || err == nil && l.sequence > last {
		return letter{}, false, nil
	}
	return l, err == nil, err
}

// find returns the letter called id.
func (s *Store) find(ctx context.Context, id string) (letter, error) {
	stream, sequence := api.Place(id)
	if stream != s.name || sequence == 0 {
		return letter{}, notFound(id)
	}
	l, err := s.get(ctx, sequence)
	if errors.Is(err, errGone) || err == nil && l.message.ID != id {
		return letter{}, notFound(id)
	}
	return l, err
}

func notFound(id string) error { return fmt.Errorf("%w: %s", deadletter.ErrNotFound, id) }

// A state is how the stream stood.
type state struct {
	letters int
	last    uint64 // the last message's sequence
	alone   bool   // all that is there are letters
}

func (s *Store) state(ctx context.Context) (state, error) {
	info, err := api.Do(ctx, s.place.Client, api.OpInfo, func(ctx context.Context) (*jetstream.StreamInfo, error) {
		return s.place.Dead.Info(ctx, jetstream.WithSubjectFilter(s.place.Subject))
	})
	if err != nil {
		return state{}, err
	}
	letters := info.State.Subjects[s.place.Subject]
	return state{int(letters), info.State.LastSeq, letters == info.State.Msgs}, nil //nolint:gosec // no stream holds so many
}

// List returns letters, oldest first. A place is a sequence number.
func (s *Store) List(ctx context.Context, after string, limit int) (letters []deadletter.Letter, next string, err error) {
	var from uint64
	if after != "" {
		if from, err = strconv.ParseUint(after, 10, 64); err != nil {
			return nil, "", fmt.Errorf("%q is no place in the dead letters: %w", after, err)
		}
	}
	now, err := s.state(ctx)
	if err != nil {
		return nil, "", err
	}
	for len(letters) < limit {
		page, err := s.page(ctx, from, min(limit-len(letters), pageMost), now)
		if err != nil || len(page) == 0 {
			return letters, "", err
		}
		for _, l := range page {
			letters = append(letters, deadletter.Of(l.message))
			from = l.sequence
		}
	}
	if _, more, err := s.next(ctx, from, now.last); err != nil || !more {
		return letters, "", err
	}
	return letters, strconv.FormatUint(from, 10), nil
}

// Show returns one letter with its content.
func (s *Store) Show(ctx context.Context, id string) (deadletter.Letter, error) {
	l, err := s.find(ctx, id)
	if err != nil {
		return deadletter.Letter{}, err
	}
	return deadletter.Whole(l.message), nil
}

// Drop deletes one letter.
func (s *Store) Drop(ctx context.Context, id string) error {
	l, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	return s.remove(ctx, l)
}

// remove deletes l from its stream. It is no error that somebody else has.
func (s *Store) remove(ctx context.Context, l letter) error {
	_, err := api.Do(ctx, s.place.Client, api.OpDelete, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.place.Dead.DeleteMsg(ctx, l.sequence)
	})
	if err == nil {
		return nil
	}
	if now, again := s.get(ctx, l.sequence); errors.Is(again, errGone) || again == nil && now.message.ID != l.message.ID {
		return nil
	}
	return err
}

// Close closes the connection.
func (s *Store) Close() error {
	s.place.Close()
	return nil
}
