package nats

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"carrier/receiver"
	"carrier/receiver/nats/api"
)

// A Place is a consumer and where its dead letters are.
type Place struct {
	Client *api.Client
	// Dead is the stream that takes what is published to Subject: the dead letters.
	Dead    jetstream.Stream
	Subject string
	// MaxBytes is the largest message that the server takes, headers included.
	MaxBytes int

	from consumer
	// subjects are those that the consumer's stream takes; empty where they may not be read, or the
	// stream is filled from others.
	subjects []string
}

// Locate finds the consumer that o names and the stream with its dead letters. Its error wraps
// receiver.ErrNoDeadLetter where there is none. The caller closes the Place.
func Locate(ctx context.Context, o Options) (Place, error) {
	o = o.withDefaults()
	if o.DeadLetterSubject == "" {
		return Place{}, fmt.Errorf("%w: CARRIER_DEAD_LETTER_SUBJECT is not set", receiver.ErrNoDeadLetter)
	}
	c, err := api.Connect(ctx, o.api())
	if err != nil {
		return Place{}, err
	}
	p, err := locate(ctx, c, o)
	if err != nil {
		c.Close()
	}
	return p, err
}

func locate(ctx context.Context, c *api.Client, o Options) (Place, error) {
	from, err := find(ctx, c, o)
	if err != nil {
		return Place{}, err
	}
	p := Place{Client: c, Subject: o.DeadLetterSubject, MaxBytes: from.maxBytes, from: from}
	if name, err := streamOf(ctx, c, p.Subject); err != nil {
		return Place{}, fmt.Errorf("the stream of %s (CARRIER_DEAD_LETTER_SUBJECT): %w", p.Subject, err)
	} else if p.Dead, err = stream(ctx, c, name); err != nil {
		return Place{}, fmt.Errorf("stream %s, of the dead letters: %w", name, err)
	}
	source, err := stream(ctx, c, from.stream)
	switch {
	case receiver.ClassOf(err) == receiver.Denied:
	case err != nil:
		return Place{}, fmt.Errorf("stream %s: %w", from.stream, err)
	default:
		p.subjects = source.CachedInfo().Config.Subjects
	}
	return p, nil
}

func stream(ctx context.Context, c *api.Client, name string) (jetstream.Stream, error) {
	return api.Do(ctx, c, api.OpInfo, func(ctx context.Context) (jetstream.Stream, error) { return c.JS.Stream(ctx, name) })
}

// Return is the subject to which a dead letter goes back that was published to subject first, which
// is empty where the letter does not say so. It is an error where the consumer would not get it.
func (p Place) Return(subject string) (string, error) {
	if subject == "" {
		if subject = p.only(); subject == "" {
			return "", fmt.Errorf("it does not say which subject it came from (%s), and consumer %s gets several", receiver.SubjectAttribute, p.from.name)
		}
	}
	if !api.IsLiteral(subject) || !p.from.takes(subject) || len(p.subjects) > 0 && !api.MatchesAny(p.subjects, subject) {
		return "", fmt.Errorf("it came from subject %s, which consumer %s of stream %s does not get", strings.ToValidUTF8(subject, "?"), p.from.name, p.from.stream)
	}
	return subject, nil
}

// only is the one subject that the consumer gets; empty where there are several.
func (p Place) only() string {
	subjects := p.from.filters()
	if len(subjects) == 0 {
		subjects = p.subjects
	}
	if len(subjects) == 1 && api.IsLiteral(subjects[0]) {
		return subjects[0]
	}
	return ""
}

// Close closes the connection.
func (p Place) Close() { p.Client.Close() }
