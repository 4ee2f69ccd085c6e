package service

import (
	"context"
	"time"

	"carrier/internal/testkit/sqstest/shapes"
)

const (
	maxMoveRate = 500
	maxMoves    = 10 // that are listed
)

// A moveTask moves what a dead-letter queue holds when it starts. It is worked off whenever a call
// comes in, as far as its rate allows by then.
type moveTask struct {
	shapes.MoveTask
	from, to *Queue // to is nil where each message goes to where it came from
	started  time.Time
	left     []*stored
}

// queueOf returns the queue of an ARN; nil where there is none.
func (s *Service) queueOf(arn string) *Queue {
	for _, q := range s.queues {
		if q.arn() == arn {
			return q
		}
	}
	return nil
}

// sources returns the URLs of the queues whose redrive policy names q.
func (s *Service) sources(c *Call, q *Queue) []string {
	var urls []string
	for name, other := range s.queues {
		if policy, ok := shapes.ParseRedrive(other.attrs["RedrivePolicy"]); ok && policy.Target == q.arn() {
			urls = append(urls, s.urlOf(c, name))
		}
	}
	return urls
}

func (s *Service) listSources(_ context.Context, c *Call, in *shapes.QueueRef) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	return shapes.SourceQueuesOut{QueueURLs: s.sources(c, q)}, nil
}

func (s *Service) startMove(_ context.Context, c *Call, in *shapes.StartMoveIn) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, to := s.queueOf(in.SourceArn), s.queueOf(in.DestinationArn)
	switch {
	case from == nil, to == nil && in.DestinationArn != "":
		return nil, shapes.Plain("ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.")
	case len(s.sources(c, from)) == 0:
		return nil, shapes.InvalidParameter("Source queue must be configured as a Dead Letter Queue.")
	case in.MaxNumberOfMessagesPerSecond < 0 || in.MaxNumberOfMessagesPerSecond > maxMoveRate:
		return nil, shapes.InvalidValue(in.MaxNumberOfMessagesPerSecond, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500.")
	}
	for _, m := range s.moves {
		if m.from == from && m.Status == "RUNNING" {
			return nil, shapes.Sender("UnsupportedOperation", "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		}
	}
	m := &moveTask{from: from, to: to, started: s.now()}
	from.each(func(letter *stored) bool {
		if !letter.hidden(m.started) {
			m.left = append(m.left, letter)
		}
		return true
	})
	m.MoveTask = shapes.MoveTask{
		Status: "RUNNING", TaskHandle: shapes.NewID(), SourceArn: in.SourceArn, DestinationArn: in.DestinationArn,
		ApproximateNumberOfMessagesToMove: len(m.left), MaxNumberOfMessagesPerSecond: in.MaxNumberOfMessagesPerSecond,
		StartedTimestamp: m.started.UnixMilli(),
	}
	s.moves = append(s.moves, m)
	return shapes.MoveHandle{TaskHandle: m.TaskHandle}, nil
}

// work moves on all tasks. The caller holds s.mu.
func (s *Service) work() {
	for _, m := range s.moves {
		for m.Status == "RUNNING" && len(m.left) > 0 && m.may(s.now()) {
			m.next()
		}
		if m.Status == "RUNNING" && len(m.left) == 0 {
			m.Status, m.TaskHandle = "COMPLETED", ""
		}
	}
}

func (m *moveTask) may(now time.Time) bool {
	rate := m.MaxNumberOfMessagesPerSecond
	return rate == 0 || m.ApproximateNumberOfMessagesMoved < int(now.Sub(m.started).Seconds()*float64(rate))
}

// next moves one message, which becomes a new one. One whose origin is not known fails the task.
func (m *moveTask) next() {
	letter := m.left[0]
	m.left = m.left[1:]
	to := m.to
	if to == nil {
		to = m.from.s.queueOf(letter.origin)
	}
	if _, there := m.from.find(letter.id); !there {
		return
	}
	if to == nil {
		m.Status, m.TaskHandle, m.FailureReason = "FAILED", "", "CouldNotDetermineMessageSource"
		return
	}
	m.from.remove(letter)
	now := m.from.s.now()
	to.sequence++
	to.add(&stored{
		id: shapes.NewID(), body: letter.body, attributes: letter.attributes, trace: letter.trace, group: letter.group,
		dedupID: letter.dedupID, sequence: sequenceNumber(to.sequence), sent: now, hiddenUntil: now,
	})
	m.ApproximateNumberOfMessagesMoved++
}

func (s *Service) listMoves(_ context.Context, _ *Call, in *shapes.ListMovesIn) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.work()
	most, out := min(max(in.MaxResults, 1), maxMoves), shapes.ListMovesOut{Results: []shapes.MoveTask{}}
	for i := len(s.moves) - 1; i >= 0 && len(out.Results) < most; i-- {
		if m := s.moves[i]; m.SourceArn == in.SourceArn {
			out.Results = append(out.Results, m.MoveTask)
		}
	}
	return out, nil
}

func (s *Service) cancelMove(_ context.Context, _ *Call, in *shapes.MoveHandle) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.work()
	for _, m := range s.moves {
		if m.TaskHandle == in.TaskHandle && m.Status == "RUNNING" {
			m.Status, m.TaskHandle = "CANCELLED", ""
			return shapes.MoveCancelled{ApproximateNumberOfMessagesMoved: m.ApproximateNumberOfMessagesMoved}, nil
		}
	}
	return nil, shapes.Plain("ResourceNotFoundException", "Task does not exist.")
}
