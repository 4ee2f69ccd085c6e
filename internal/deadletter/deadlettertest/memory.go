package deadlettertest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"carrier/internal/deadletter"
	"carrier/message"
)

// A Memory is a store in memory. The zero value is empty and ready to use.
type Memory struct {
	mu      sync.Mutex
	letters []*message.Message
	back    []*message.Message
	serial  int
}

var (
	_ deadletter.Store = (*Memory)(nil)
	_ Place            = (*Memory)(nil)
)

// Add makes m a dead letter and returns its id.
func (s *Memory) Add(m *message.Message) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	id, attributes := strconv.Itoa(s.serial), m.Attributes
	m = &message.Message{ID: id, OriginalID: m.ID, Body: m.Body, ContentType: m.ContentType, Group: m.Group, Attributes: attributes}
	s.letters = append(s.letters, m)
	return id
}

// Put is Add.
func (s *Memory) Put(_ *testing.T, m *message.Message) string { return s.Add(m) }

// Left counts the letters.
func (s *Memory) Left(*testing.T) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.letters)
}

// Back returns what was moved back.
func (s *Memory) Back(*testing.T) []*message.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.back {
		m.OriginalID, _ = m.Attribute("Carrier.MessageId")
	}
	return slices.Clone(s.back)
}

// List returns the letters in the order of their ids, which name places too.
func (s *Memory) List(_ context.Context, after string, limit int) (letters []deadletter.Letter, next string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	place := 0
	if after != "" {
		if place, err = strconv.Atoi(after); err != nil {
			return nil, "", err
		}
	}
	for _, m := range s.letters {
		id, _ := strconv.Atoi(m.ID)
		if id <= place {
			continue
		}
		if len(letters) == limit {
			return letters, letters[limit-1].ID, nil
		}
		letters = append(letters, deadletter.Of(m))
	}
	return letters, "", nil
}

// take finds the letter called id, and removes it where that is wanted.
func (s *Memory) take(id string, remove bool) (*message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.letters, func(m *message.Message) bool { return m.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("%w: %s", deadletter.ErrNotFound, id)
	}
	m := s.letters[i]
	if remove {
		s.letters = slices.Delete(s.letters, i, i+1)
	}
	return m, nil
}

// Show returns one letter.
func (s *Memory) Show(_ context.Context, id string) (deadletter.Letter, error) {
	m, err := s.take(id, false)
	if err != nil {
		return deadletter.Letter{}, err
	}
	return deadletter.Whole(m), nil
}

// Drop removes one letter.
func (s *Memory) Drop(_ context.Context, id string) error {
	_, err := s.take(id, true)
	return err
}

// Redrive moves letters one by one.
func (s *Memory) Redrive(ctx context.Context, r deadletter.Request) (p deadletter.Progress, err error) {
	r = r.Normal()
	ids := r.IDs
	if len(ids) == 0 {
		for _, m := range s.letters {
			ids = append(ids, m.ID)
		}
	}
	p.Left = len(ids)
	pace := deadletter.NewPace(r.Rate, 1)
	for _, id := range ids {
		if r.Dry {
			if _, err := s.take(id, false); err != nil {
				p.Left, p.Failed = p.Left-1, p.Failed+1
			}
			continue
		}
		if _, err := pace.Next(ctx); err != nil {
			return p, err
		}
		if m, err := s.take(id, true); err != nil {
			p.Failed++
			r.Fail(err)
		} else {
			p.Moved++
			s.mu.Lock()
			s.back = append(s.back, deadletter.Revived(m, func(*message.Message) int { return 1 }))
			s.mu.Unlock()
		}
		p.Left--
		r.Report(p)
	}
	return p, nil
}

// Close does nothing.
func (s *Memory) Close() error { return nil }
