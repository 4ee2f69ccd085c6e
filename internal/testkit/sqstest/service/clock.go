package service

import "time"

// Now is the server's own time: the process's clock, and what Advance added to it.
// In a testing/synctest bubble it is the bubble's.
func (s *Service) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// now is Now for those who hold s.mu.
func (s *Service) now() time.Time { return time.Now().Add(s.offset) }

// Advance puts the server's clock forward by d. Visibility timeouts and delays that
// are over by then end immediately, and long polls that were waiting look again.
func (s *Service) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
	for _, q := range s.queues {
		q.wake()
	}
}
