package deadletters

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"carrier/internal/batch"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/sqs"
	"carrier/receiver/sqs/api"
)

const (
	// mostLooked is how many letters are looked through for some of them: SQS hands out no more than
	// 120,000 at once.
	mostLooked = 100_000
	// moveLease is how long a letter that is to be moved is hidden, in seconds, lookLease one of those
	// that others are looked for among.
	moveLease = 60
	lookLease = 300
	// pollSeconds is how long one receive waits. Any wait makes SQS ask all of its servers.
	pollSeconds = 1
	// tries is how often a call is made that fails for now, with tryPause between.
	tries    = 5
	tryPause = time.Second
	// settleTimeout is how long what was begun may take once the caller's context has ended.
	settleTimeout = 30 * time.Second
)

// A received letter is one hand-out of it.
type received struct {
	message *message.Message
	handle  string
	source  string // the ARN of the queue whose redrive policy moved it here; may be empty
}

// receive takes up to limit letters for lease seconds; none means that there are no more for now. It is
// not cut when ctx ends: what SQS has handed out would stay hidden.
func (s *Store) receive(ctx context.Context, limit int, lease int32) (letters []received, err error) {
	request := api.ReceiveRequest(s.place.DeadURL, min(limit, api.MaxBatch), pollSeconds, lease)
	err = again(ctx, func() error {
		return s.place.DeadClient.Receive(context.WithoutCancel(ctx), request, nil, func(all []api.ReceivedMessage, _ time.Time) {
			for i := range all {
				m := &all[i]
				letters = append(letters, received{sqs.MessageOf(m), string(m.ReceiptHandle), string(m.DeadLetterSource)})
			}
		})
	})
	if err != nil {
		return nil, fmt.Errorf("dead-letter queue: %w", err)
	}
	return letters, nil
}

// again makes a call until it succeeds or fails for good, a few times at most.
func again(ctx context.Context, call func() error) error {
	for try := 1; ; try++ {
		err := call()
		class := receiver.ClassOf(err)
		if err == nil || try == tries || class != receiver.Throttled && class != receiver.Network {
			return err
		}
		if !pause(ctx) {
			return ctx.Err()
		}
	}
}

// look hands letters to visit, one after another, until it returns false, limit letters were looked
// at, or there are no more. It gives back all that are still there then.
func (s *Store) look(ctx context.Context, limit int, visit func(received) (more bool, err error)) error {
	var held []received
	defer func() { s.giveBack(ctx, held) }()
	seen := map[string]bool{}
	for len(held) < limit {
		if err := ctx.Err(); err != nil {
			return err
		}
		letters, err := s.receive(ctx, limit-len(held), lookLease)
		if err != nil {
			return err
		}
		held = append(held, letters...)
		fresh := false
		for _, r := range letters {
			if seen[r.message.ID] {
				continue
			}
			seen[r.message.ID], fresh = true, true
			if more, err := visit(r); err != nil || !more {
				return err
			}
		}
		if !fresh { // all have been seen, or there are none
			return nil
		}
	}
	return nil
}

// giveBack makes letters visible again, the last one first. What cannot be given back comes back by
// itself. One that was removed meanwhile is none of its concern.
func (s *Store) giveBack(ctx context.Context, letters []received) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	letters = slices.Clone(letters)
	slices.Reverse(letters)
	for part := range slices.Chunk(letters, api.MaxBatch) {
		entries := make([]*batch.Entry, len(part))
		for i, r := range part {
			entries[i] = &batch.Entry{ID: r.handle}
		}
		if s.place.DeadClient.ChangeBatch(ctx, api.OpChange, s.place.DeadURL, entries); ctx.Err() != nil {
			return
		}
	}
}

// remove deletes up to api.MaxBatch letters, trying those again that fail for now, and returns one
// error for each. It goes on when ctx ends.
func (s *Store) remove(ctx context.Context, letters []received) []error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	errs := make([]error, len(letters))
	left := make([]int, len(letters))
	for i := range left {
		left[i] = i
	}
	for try := 1; try <= tries && len(left) > 0; try++ {
		if try > 1 && !pause(ctx) {
			break
		}
		entries := make([]*batch.Entry, len(left))
		for k, i := range left {
			entries[k] = &batch.Entry{ID: letters[i].handle}
		}
		answers := s.place.DeadClient.DeleteBatch(ctx, s.place.DeadURL, entries)
		var failed []int
		for k, i := range left {
			if errs[i] = answers[k]; errs[i] != nil && !errors.Is(errs[i], receiver.ErrLeaseLost) {
				failed = append(failed, i)
			}
		}
		left = failed
	}
	return errs
}
