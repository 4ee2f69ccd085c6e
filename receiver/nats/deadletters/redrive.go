package deadletters

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"carrier/internal/deadletter"
	"carrier/message"
	"carrier/publisher"
	"carrier/receiver/nats/api"
)

const (
	// pageMost is how many letters are read, and moved, at the same time.
	pageMost = 64
	// mostNotes is how many failures of single letters are told.
	mostNotes = 10
)

// page reads up to n letters behind the sequence after, and up to the last of now. It returns none
// where there are no more.
func (s *Store) page(ctx context.Context, after uint64, n int, now state) ([]letter, error) {
	first, found, err := s.next(ctx, after, now.last)
	if err != nil || !found {
		return nil, err
	}
	if now.alone {
		return s.together(ctx, first, n, now.last)
	}
	page := []letter{first}
	for len(page) < n {
		l, found, err := s.next(ctx, page[len(page)-1].sequence, now.last)
		if err != nil {
			return nil, err
		}
		if !found {
			break
		}
		page = append(page, l)
	}
	return page, nil
}

// together reads first's n-1 followers in one round trip, less those that are gone.
func (s *Store) together(ctx context.Context, first letter, n int, last uint64) ([]letter, error) {
	type answer struct {
		letter
		err error
	}
	n = int(min(uint64(n), last-first.sequence+1)) //nolint:gosec // n is small
	answers := make([]answer, n)
	var calls sync.WaitGroup
	for i := range n {
		if i == 0 {
			answers[i].letter = first
			continue
		}
		calls.Go(func() { answers[i].letter, answers[i].err = s.get(ctx, first.sequence+uint64(i)) })
	}
	calls.Wait()
	var page []letter
	for _, a := range answers {
		switch {
		case a.err == nil:
			page = append(page, a.letter)
		case !errors.Is(a.err, errGone):
			return nil, a.err
		}
	}
	return page, nil
}

// Redrive publishes letters again and deletes them: with an id made of the letter's, so that the
// stream stores one once, within its duplicate window, though the redrive ends before the letter is
// deleted and is repeated. Letters that come later, rejected once more among them, are left.
func (s *Store) Redrive(ctx context.Context, r deadletter.Request) (deadletter.Progress, error) {
	m := &move{Store: s, request: r.Normal(), pace: deadletter.NewPace(r.Rate, pageMost)}
	err := m.letters(ctx)
	if m.foreign > 0 {
		m.request.Note(fmt.Sprintf("%d letters are left that the consumer would not get; the first one is %s", m.foreign, m.stranger))
	}
	if err == nil && !r.Dry {
		m.progress.Left = 0
	}
	return m.progress, err
}

// A move is one redrive.
type move struct {
	*Store
	request  deadletter.Request
	pace     *deadletter.Pace
	progress deadletter.Progress
	foreign  int    // letters that are not the consumer's, where all were asked for
	stranger string // the first of them, and why
	notes    int
}

func (m *move) letters(ctx context.Context) error {
	if len(m.request.IDs) > 0 {
		return m.some(ctx)
	}
	return m.all(ctx)
}

// all moves all letters that were there when it began.
func (m *move) all(ctx context.Context) error {
	now, err := m.state(ctx)
	if err != nil {
		return err
	}
	if m.progress.Left = now.letters; m.request.Dry {
		return nil
	}
	for after := uint64(0); ; {
		// The pace is waited for only where there is a letter, and the letters are read after it.
		if _, more, err := m.next(ctx, after, now.last); err != nil || !more {
			return err
		}
		n, err := m.pace.Next(ctx)
		if err != nil {
			return err
		}
		page, err := m.page(ctx, after, n, now)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := m.move(ctx, page); err != nil {
			return err
		}
		after = page[len(page)-1].sequence
	}
}

// some moves the letters that were asked for.
func (m *move) some(ctx context.Context) error {
	ids := inOrder(m.request.IDs)
	m.progress.Left = len(ids)
	for len(ids) > 0 {
		n := pageMost
		if !m.request.Dry {
			var err error
			if n, err = m.pace.Next(ctx); err != nil {
				return err
			}
		}
		n = min(n, len(ids))
		var page []letter
		for _, id := range ids[:n] {
			switch l, err := m.find(ctx, id); {
			case err == nil:
				page = append(page, l)
			case errors.Is(err, deadletter.ErrNotFound):
				m.fail(err)
			default:
				return err
			}
		}
		if ids = ids[n:]; m.request.Dry {
			continue
		}
		if err := m.move(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

// inOrder are ids in the order of their places in the stream, each once.
func inOrder(ids []string) []string {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b string) int {
		_, placeOfA := api.Place(a)
		_, placeOfB := api.Place(b)
		return cmp.Or(cmp.Compare(placeOfA, placeOfB), strings.Compare(a, b))
	})
	return slices.Compact(ids)
}

// move moves the letters of one page. What has begun is waited for when ctx ends.
func (m *move) move(ctx context.Context, page []letter) error {
	ctx = context.WithoutCancel(ctx)
	waiting := make([]letter, 0, len(page))
	for _, l := range page {
		subject, err := m.place.Return(l.subject)
		if err != nil {
			m.refuse(l, err)
			continue
		}
		l.subject = subject
		waiting = append(waiting, l)
	}
	var stopped error
	for len(waiting) > 0 && stopped == nil {
		waiting, stopped = m.round(ctx, waiting)
	}
	m.request.Report(m.progress)
	return stopped
}

// round publishes letters and deletes those that are stored. It returns those to publish again: what
// was refused for now, behind a letter of its group that failed for good. The error ends the redrive.
func (m *move) round(ctx context.Context, letters []letter) (again []letter, stopped error) {
	batch := make([]*message.Message, len(letters))
	for i, l := range letters {
		batch[i] = deadletter.Revived(l.message, m.back.Limits().Spare)
		batch[i].Source = l.subject
	}
	var stored []letter
	failed := false
	for i, result := range m.back.Publish(ctx, batch) {
		switch l := letters[i]; {
		case result.Err == nil:
			stored = append(stored, l)
		case publisher.IsPermanent(result.Err):
			failed = true
			m.fail(fmt.Errorf("%s could not be moved: %w", l.message.ID, result.Err))
		default:
			again = append(again, l)
			if stopped == nil {
				stopped = fmt.Errorf("publish to %s: %w", l.subject, result.Err)
			}
		}
	}
	if failed {
		stopped = nil
	}
	if err := m.removeAll(ctx, stored); err != nil {
		stopped = err
	}
	return again, stopped
}

// removeAll deletes letters that are stored where they belong, at the same time.
func (m *move) removeAll(ctx context.Context, letters []letter) error {
	errs := make([]error, len(letters))
	var calls sync.WaitGroup
	for i, l := range letters {
		calls.Go(func() { errs[i] = m.remove(ctx, l) })
	}
	calls.Wait()
	var first error
	for i, err := range errs {
		if err == nil {
			m.progress.Moved++
			m.progress.Left = max(m.progress.Left-1, 0)
		} else if first == nil {
			first = fmt.Errorf("%s is moved and could not be deleted from the dead letters; unless the next redrive comes within the stream's duplicate window, it is moved twice: %w", letters[i].message.ID, err)
		}
	}
	return first
}

// refuse leaves a letter that the consumer would not get. Where it was asked for, that is a failure.
func (m *move) refuse(l letter, err error) {
	if len(m.request.IDs) > 0 {
		m.fail(fmt.Errorf("%s is left: %w", l.message.ID, &publisher.Refusal{Why: publisher.Unsupported, Err: err}))
		return
	}
	m.progress.Left = max(m.progress.Left-1, 0)
	if m.foreign++; m.foreign == 1 {
		m.stranger = l.message.ID + ": " + err.Error()
	}
}

// fail counts a letter that is not moved, and tells of the first ones.
func (m *move) fail(err error) {
	m.progress.Failed++
	m.progress.Left = max(m.progress.Left-1, 0)
	if m.notes++; m.notes <= mostNotes {
		m.request.Fail(err)
	}
}
