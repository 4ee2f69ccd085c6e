// Package deadletters is what people see of the dead letters in the ingest queue, and what they do
// with them.
package deadletters

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"carrier/internal/queue"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/ingest/listed"
	"carrier/receiver/ingest/request"
)

// ErrNotFound means that there is no such dead letter, or not any more.
var ErrNotFound = queue.ErrNoDeadLetter

// ErrCursor means that a cursor is none that List has returned.
var ErrCursor = errors.New("no cursor")

// A Letter is one dead letter.
type Letter struct {
	// Key names it for as long as it is a dead letter.
	Key queue.DeadKey
	// Route is that of its subscription; "default" for the one without a name.
	Route string
	// ID is that of the message, which each subscription may have a dead letter of. It is kept when
	// the letter is moved back.
	ID, Group string
	Reason    queue.Reason
	// Died is when it became a dead letter.
	Died time.Time
	// Bytes is the length of its body.
	Bytes int
	// ContentType, Attributes and Body are there where one letter was asked for.
	ContentType string
	Attributes  []message.Attribute
	Body        []byte
	// Damaged is why it cannot be read or moved back; it can be dropped.
	Damaged error
}

// Letters are the dead letters of a queue. Its methods are safe for concurrent use. A route "" stands
// for all of them; one that there is not has no letters.
type Letters struct{ Queue *queue.Queue }

// List returns up to limit letters of a route behind a cursor, oldest first and without their content;
// an empty cursor is the beginning. Next is the cursor behind the last one, empty where there are no
// more.
func (l Letters) List(route, after string, limit int) (letters []Letter, next string, err error) {
	var key queue.DeadKey
	if after != "" {
		var ok bool
		if key, ok = queue.ParseDeadKey(after); !ok {
			return nil, "", fmt.Errorf("%w: %q", ErrCursor, after)
		}
	}
	found, err := l.Queue.DeadLetters(key, limit+1, names(route)...)
	if err != nil {
		return nil, "", err
	}
	if len(found) > limit {
		found = found[:limit]
		next = found[limit-1].Key.String()
	}
	return toldOf(found), next, nil
}

// Find returns the letters of a route whose messages have these ids, without their content.
func (l Letters) Find(route string, ids ...string) ([]Letter, error) {
	found, err := l.Queue.FindDeadLetters(ids, names(route)...)
	return toldOf(found), err
}

// Show returns a letter with its content; ErrNotFound where there is none of that key.
func (l Letters) Show(key queue.DeadKey) (Letter, error) {
	found, err := l.Queue.DeadLetter(key)
	if err != nil {
		return Letter{}, err
	}
	told := newLetter(found)
	e, err := request.DecodeEnvelope(found.Head)
	if told.Damaged == nil {
		told.Damaged = err
	}
	told.ContentType, told.Attributes, told.Body = e.ContentType, e.Attributes, found.Body
	return told, nil
}

// Redrive moves letters back, and returns what queue.Queue.Redrive does. A message that is moved back
// has the attributes of receiver.DeadLetterAttributes beside its own.
func (l Letters) Redrive(ctx context.Context, letters []Letter) []error {
	keys := make([]queue.DeadKey, len(letters))
	for i := range letters {
		keys[i] = letters[i].Key
	}
	return l.Queue.Redrive(ctx, keys, redriven)
}

// Drop removes a letter for good; ErrNotFound where there is none of that key.
func (l Letters) Drop(ctx context.Context, key queue.DeadKey) error {
	return l.Queue.DropDeadLetter(ctx, key)
}

func names(route string) []string {
	if route == "" {
		return nil
	}
	return []string{listed.StoredName(route)}
}

func toldOf(found []queue.DeadLetter) []Letter {
	letters := make([]Letter, len(found))
	for i, l := range found {
		letters[i] = newLetter(l)
	}
	return letters
}

func newLetter(l queue.DeadLetter) Letter {
	return Letter{
		Key: l.Key, Route: listed.RouteName(l.Subscription), ID: l.ID, Group: l.Group, Reason: l.Reason, Died: l.Died,
		Bytes: l.BodySize, Damaged: l.Damaged,
	}
}

// redriven is what is stored beside the body of a letter that is moved back.
func redriven(l queue.DeadLetter) ([]byte, error) {
	e, err := request.DecodeEnvelope(l.Head)
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", l.ID, err)
	}
	m := &message.Message{ID: l.ID, ReceiveCount: l.Reason.Attempts, FirstReceived: l.Reason.FirstReceived}
	o := message.Outcome{Reason: l.Reason.Text, Status: l.Reason.Status, Endpoint: l.Reason.Endpoint, Attempted: l.Reason.LastAttempt}
	if receiver.Attempts(m, o) < l.Reason.Attempts {
		m.ReceiveCount++ // the last hand-out was no attempt
	}
	e.Attributes = slices.DeleteFunc(e.Attributes, func(a message.Attribute) bool { return receiver.IsDeadLetterAttribute(a.Name) })
	e.Attributes = append(e.Attributes, receiver.DeadLetterAttributes(m, o)...)
	return e.Encode(), nil
}
