package deadletters

import (
	"context"
	"errors"
	"fmt"
	"time"

	"carrier/internal/deadletter"
	"carrier/internal/sleep"
	"carrier/receiver"
)

const (
	// maxTaskRate is the most messages a second that a task may be told to move, and mostTasks how
	// many tasks are looked at for one that runs: there is one at most, and it is the newest.
	maxTaskRate = 500
	mostTasks   = 1
	// taskPoll is how often a task is looked at.
	taskPoll = time.Second
)

// A moveTask is a task of SQS that moves all messages of a dead-letter queue.
type moveTask struct {
	TaskHandle, Status, DestinationArn, FailureReason string
	Moved                                             int `json:"ApproximateNumberOfMessagesMoved"`
	ToMove                                            int `json:"ApproximateNumberOfMessagesToMove"`
}

// The statuses of a task that goes on.
const (
	running    = "RUNNING"
	cancelling = "CANCELLING"
	completed  = "COMPLETED"
	cancelled  = "CANCELLED"
)

func (t moveTask) progress() deadletter.Progress {
	return deadletter.Progress{Moved: t.Moved, Left: max(t.ToMove-t.Moved, 0)}
}

// movable returns why SQS cannot move all letters by itself, as far as that is known beforehand.
func (s *Store) movable(r deadletter.Request) error {
	switch {
	case s.policies.err != nil:
		return fmt.Errorf("whose redrive policies name the dead-letter queue is not known: %w", s.policies.err)
	case !s.policies.own:
		return errors.New("the queue's redrive policy does not name the dead-letter queue")
	case s.policies.others:
		return errors.New("other queues have the same dead-letter queue")
	case s.arn == "" || s.place.ARN == "":
		return errors.New("the queues' attributes may not be read")
	case r.Rate > 0 && r.Rate < 1:
		return errors.New("it moves one a second at least")
	}
	return nil
}

// moveAll has SQS move all letters, and waits until it has. done is false where it does not, and err
// says why.
func (s *Store) moveAll(ctx context.Context, r deadletter.Request) (p deadletter.Progress, done bool, err error) {
	if err := s.movable(r); err != nil {
		return p, false, err
	}
	if r.Rate > maxTaskRate {
		r.Note(fmt.Sprintf("SQS moves %d a second at most", maxTaskRate))
		r.Rate = maxTaskRate
	}
	task, err := s.newestTask(ctx)
	if err != nil {
		return p, false, err
	}
	handle := task.TaskHandle
	switch {
	case task.Status == cancelling, task.Status == running && task.DestinationArn != s.place.ARN && task.DestinationArn != "":
		return p, true, errors.New("another task of SQS moves the letters of this dead-letter queue now")
	case task.Status == running:
		r.Note("SQS is moving them already, since an earlier redrive")
	default:
		handle, err = s.startTask(ctx, int(r.Rate))
		if class := receiver.ClassOf(err); class == receiver.Network || ctx.Err() != nil {
			return p, true, fmt.Errorf("whether SQS moves the letters now is not known, redrive once more: %w", err)
		}
		if err != nil {
			return p, false, err
		}
	}
	p, err = s.follow(ctx, r, handle)
	return p, true, err
}

// follow waits for the end of the task, and cancels it when ctx ends.
func (s *Store) follow(ctx context.Context, r deadletter.Request, handle string) (deadletter.Progress, error) {
	var p deadletter.Progress
	for sleep.For(ctx, taskPoll, nil) {
		var task moveTask
		err := again(ctx, func() (err error) {
			task, err = s.newestTask(ctx)
			return err
		})
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return p, fmt.Errorf("SQS goes on moving the letters, and does not say how far it is: %w", err)
		}
		p = task.progress()
		r.Report(p)
		switch task.Status {
		case running, cancelling:
		case completed:
			p.Left = 0
			return p, nil
		case cancelled:
			return p, errors.New("somebody has cancelled the task of SQS")
		default:
			return p, fmt.Errorf("the task of SQS has ended as %s: %s", task.Status, task.FailureReason)
		}
	}
	return s.cancel(ctx, p, handle)
}

// cancel stops the task. What it has moved stays moved.
func (s *Store) cancel(ctx context.Context, p deadletter.Progress, handle string) (deadletter.Progress, error) {
	stopping, stop := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer stop()
	moved, err := s.cancelTask(stopping, handle)
	if err != nil {
		return p, fmt.Errorf("SQS goes on moving the letters: %w", err)
	}
	p.Left = max(p.Left+p.Moved-moved, 0)
	p.Moved = moved
	if left, err := s.count(stopping); err == nil && left >= 0 {
		p.Left = left
	}
	return p, ctx.Err()
}

// pause waits a moment before a call is made again, and reports whether ctx has not ended.
func pause(ctx context.Context) bool { return sleep.For(ctx, tryPause, nil) }
