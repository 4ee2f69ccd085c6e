package deadletters

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"carrier/internal/deadletter"
	"carrier/internal/queue"
	"carrier/receiver/ingest/listed"
)

const (
	// pageMost is how many letters are looked at together, moveMost how many are moved in one commit.
	pageMost = 512
	moveMost = 128
	// mostNotes is how many failures of single letters are told.
	mostNotes = 10
)

// A Store is the dead letters of one route. It implements deadletter.Store. The ids of letters are
// those of their messages.
type Store struct {
	Letters
	// Route is what people call the route.
	Route string
	// CloseQueue closes the queue with the store; nil leaves it open.
	CloseQueue func() error
}

var _ deadletter.Store = Store{}

// List returns letters, oldest first.
func (s Store) List(_ context.Context, after string, limit int) ([]deadletter.Letter, string, error) {
	found, next, err := s.Letters.List(s.Route, after, limit)
	letters := make([]deadletter.Letter, len(found))
	for i, l := range found {
		letters[i] = told(l)
	}
	return letters, next, err
}

// told is l as the admin port tells of it.
func told(l Letter) deadletter.Letter {
	reason := l.Reason.Text
	if l.Damaged != nil {
		reason = "damaged: " + l.Damaged.Error()
	}
	return deadletter.Letter{
		ID: l.ID, Route: l.Route, OriginalID: l.ID, Reason: reason, Status: l.Reason.Status, Attempts: l.Reason.Attempts,
		Endpoint: l.Reason.Endpoint, FirstReceived: l.Reason.FirstReceived, LastAttempt: l.Reason.LastAttempt,
		Group: l.Group, Bytes: l.Bytes,
	}
}

// find returns the letter of the message called id.
func (s Store) find(id string) (Letter, error) {
	found, err := s.Find(s.Route, id)
	if err == nil && len(found) == 0 {
		err = notFound(id)
	}
	if err != nil {
		return Letter{}, err
	}
	return found[0], nil
}

func notFound(id string) error { return fmt.Errorf("%w: %s", deadletter.ErrNotFound, id) }

// orNotFound is err in the words of deadletter.
func orNotFound(err error, id string) error {
	if errors.Is(err, ErrNotFound) {
		return notFound(id)
	}
	return err
}

// Show returns one letter with its content.
func (s Store) Show(_ context.Context, id string) (deadletter.Letter, error) {
	l, err := s.find(id)
	if err != nil {
		return deadletter.Letter{}, err
	}
	if l, err = s.Letters.Show(l.Key); err != nil {
		return deadletter.Letter{}, orNotFound(err, id)
	}
	whole := told(l)
	whole.Route, whole.Body, whole.Attributes = s.Route, l.Body, map[string]string{}
	for _, a := range l.Attributes {
		whole.Attributes[a.Name] = a.Value
	}
	return whole, nil
}

// Drop removes one letter for good.
func (s Store) Drop(ctx context.Context, id string) error {
	l, err := s.find(id)
	if err != nil {
		return err
	}
	return orNotFound(s.Letters.Drop(ctx, l.Key), id)
}

// Redrive moves letters in commits of many: each is in one place at any time.
func (s Store) Redrive(ctx context.Context, r deadletter.Request) (deadletter.Progress, error) {
	m := &move{Store: s, request: r.Normal(), pace: deadletter.NewPace(r.Rate, moveMost), began: time.Now()}
	var err error
	if len(r.IDs) > 0 {
		err = m.some(ctx)
	} else {
		err = m.all(ctx)
	}
	if err == nil && !r.Dry {
		m.progress.Left = 0
	}
	if m.returned > 0 {
		m.request.Note(strconv.Itoa(m.returned) + " that were moved are dead letters again, and left")
	}
	return m.progress, err
}

// A move is one redrive.
type move struct {
	Store
	request  deadletter.Request
	pace     *deadletter.Pace
	began    time.Time
	progress deadletter.Progress
	returned int // letters that became one after it began
	notes    int
}

// some moves the letters that were asked for.
func (m *move) some(ctx context.Context) error {
	found, err := m.Find(m.Route, m.request.IDs...)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, l := range found {
		there[l.ID] = true
	}
	for _, id := range m.request.IDs {
		if !there[id] {
			m.fail(notFound(id))
		}
	}
	if m.progress.Left = len(found); m.request.Dry {
		return nil
	}
	return m.move(ctx, found)
}

// all moves all letters that were there when it began, page by page.
func (m *move) all(ctx context.Context) error {
	for _, l := range m.Queue.List() {
		if l.Name == listed.StoredName(m.Route) {
			m.progress.Left = l.Dead
		}
	}
	if m.request.Dry {
		return nil
	}
	for after, more := "", true; more; more = after != "" {
		page, next, err := m.Letters.List(m.Route, after, pageMost)
		if err != nil {
			return err
		}
		var old []Letter
		for _, l := range page {
			if l.Died.After(m.began) {
				m.returned++
				continue
			}
			old = append(old, l)
		}
		if err := m.move(ctx, old); err != nil {
			return err
		}
		after = next
	}
	return ctx.Err()
}

// move moves letters at the pace. A commit that has begun is waited for when ctx ends.
func (m *move) move(ctx context.Context, letters []Letter) error {
	for len(letters) > 0 {
		n, err := m.pace.Next(ctx)
		if err != nil {
			return err
		}
		n = min(n, len(letters))
		part := letters[:n]
		letters = letters[n:]
		var full error
		for i, err := range m.Letters.Redrive(context.WithoutCancel(ctx), part) {
			switch {
			case err == nil:
				m.progress.Moved++
			case endsAll(err):
				full = err
				continue // it is left
			default:
				m.fail(fmt.Errorf("%s could not be moved: %w", part[i].ID, err))
			}
			m.progress.Left = max(m.progress.Left-1, 0)
		}
		m.request.Report(m.progress)
		if full != nil {
			return full
		}
	}
	return nil
}

// endsAll reports whether no other letter could be moved either.
func endsAll(err error) bool {
	for _, such := range []error{queue.ErrFull, queue.ErrDiskFull, queue.ErrOffline, queue.ErrNotConfigured, queue.ErrBroken, queue.ErrClosed} {
		if errors.Is(err, such) {
			return true
		}
	}
	return false
}

// fail counts a letter that is not moved, and tells of the first ones.
func (m *move) fail(err error) {
	m.progress.Failed++
	if m.notes++; m.notes <= mostNotes {
		m.request.Fail(err)
	}
}

// Close closes the queue, where the store has one of its own.
func (s Store) Close() error {
	if s.CloseQueue == nil {
		return nil
	}
	return s.CloseQueue()
}
