package deadletters

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"carrier/internal/deadletter"
	"carrier/message"
	"carrier/publisher"
	"carrier/receiver/sqs/api"
)

// atOnce is how many batches are moved at the same time.
const atOnce = 4

// mostNotes is how many failures of single letters are told.
const mostNotes = 10

// Redrive moves letters back. All of a queue that a redrive policy names are moved by SQS itself, where
// it does that; else each letter is received, sent and deleted.
func (s *Store) Redrive(ctx context.Context, r deadletter.Request) (deadletter.Progress, error) {
	r = r.Normal()
	total, err := s.count(ctx)
	if err != nil {
		return deadletter.Progress{}, err
	}
	if r.Dry {
		return s.rehearse(ctx, r, total)
	}
	if len(r.IDs) == 0 {
		p, done, err := s.moveAll(ctx, r)
		if done {
			return p, err
		}
		r.Note(fmt.Sprintf("each letter is received, sent and deleted, since SQS does not move them by itself: %v", err))
	}
	return s.moveEach(ctx, r, total)
}

// rehearse says how many letters would be moved, and by which means.
func (s *Store) rehearse(ctx context.Context, r deadletter.Request, total int) (deadletter.Progress, error) {
	if len(r.IDs) == 0 {
		if err := s.movable(r); err != nil {
			r.Note(fmt.Sprintf("each letter would be received, sent and deleted: %v", err))
		} else {
			r.Note("SQS would move them by itself (StartMessageMoveTask)")
		}
		if total < 0 {
			r.Note("how many there are is not known")
		}
		return deadletter.Progress{Left: max(total, 0)}, nil
	}
	wanted := setOf(r.IDs)
	var p deadletter.Progress
	err := s.look(ctx, mostLooked, func(found received) (bool, error) {
		if wanted[found.message.ID] {
			delete(wanted, found.message.ID)
			p.Left++
		}
		return len(wanted) > 0, nil
	})
	p.Failed = noteMissing(r, wanted)
	return p, err
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

func noteMissing(r deadletter.Request, missing map[string]bool) int {
	for id := range missing {
		r.Fail(orNotFound(nil, id))
	}
	return len(missing)
}

// An eachMove is one redrive that moves letter by letter.
type eachMove struct {
	*Store
	request deadletter.Request
	pace    *deadletter.Pace
	total   int
	began   time.Time

	mu       sync.Mutex
	wanted   map[string]bool // those that are left of the ids that were asked for; nil means all
	seen     map[string]bool // ids of letters that were looked at
	sent     map[string]bool // those of them that are sent, and may not be removed yet
	origins  map[string]bool // ids that the sent ones had first
	held     []received      // what is given back at the end
	foreign  int             // letters of other queues
	returned int             // letters that came back
	progress deadletter.Progress
	notes    int
	err      error // the first one that ends all
}

// moveEach moves letter by letter.
func (s *Store) moveEach(ctx context.Context, r deadletter.Request, total int) (deadletter.Progress, error) {
	e := &eachMove{
		Store: s, request: r, pace: deadletter.NewPace(r.Rate, api.MaxBatch), total: total, began: time.Now(),
		seen: map[string]bool{}, sent: map[string]bool{}, origins: map[string]bool{},
	}
	if len(r.IDs) > 0 {
		e.wanted, e.total = setOf(r.IDs), len(r.IDs)
	}
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() { e.work(ctx) })
	}
	workers.Wait()
	s.giveBack(ctx, e.held)
	return e.end(ctx)
}

// end says how it ended.
func (e *eachMove) end(ctx context.Context) (deadletter.Progress, error) {
	if e.err == nil {
		e.err = ctx.Err()
	}
	e.progress.Left = e.left()
	if e.err != nil {
		return e.progress, e.err
	}
	e.progress.Left = 0
	e.progress.Failed += noteMissing(e.request, e.wanted)
	if e.foreign > 0 {
		e.request.Note(fmt.Sprintf("%d letters are left: other queues have the same dead-letter queue, and these come from them or do not say from where; name the ids of those to move", e.foreign))
	}
	if e.returned > 0 {
		e.request.Note(fmt.Sprintf("%d that were moved are dead letters again, and left", e.returned))
	}
	return e.progress, nil
}

func (e *eachMove) left() int { return max(e.total-e.progress.Moved-e.progress.Failed-e.foreign, 0) }

// work moves one batch after another, until there are no more.
func (e *eachMove) work(ctx context.Context) {
	for e.goesOn(ctx) {
		n, err := e.pace.Next(ctx)
		if err != nil {
			return
		}
		lease := int32(moveLease)
		if e.wanted != nil {
			n, lease = api.MaxBatch, lookLease
		}
		letters, err := e.receive(ctx, n, lease)
		if err != nil {
			e.fail(err)
			return
		}
		if ctx.Err() != nil {
			e.giveBack(ctx, letters)
			return
		}
		move, fresh := e.judge(letters)
		e.move(ctx, move)
		if !fresh {
			return
		}
	}
}

func (e *eachMove) goesOn(ctx context.Context) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return ctx.Err() == nil && e.err == nil && (e.wanted == nil || len(e.wanted) > 0) && len(e.held) < mostLooked
}

func (e *eachMove) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil && !errors.Is(err, context.Canceled) {
		e.err = err
	}
}

// judge returns the letters that are to be moved, and whether there is any that was not seen before.
// The others are held until the end.
func (e *eachMove) judge(letters []received) (move []received, fresh bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range letters {
		known := e.seen[r.message.ID]
		e.seen[r.message.ID] = true
		fresh = fresh || !known
		switch {
		case e.sent[r.message.ID]: // to be removed only
			move = append(move, r)
			continue
		case known:
		case e.wanted != nil:
			if e.wanted[r.message.ID] {
				delete(e.wanted, r.message.ID)
				move = append(move, r)
				continue
			}
		case e.origins[deadletter.Origin(r.message)]:
			e.returned++
		case !e.isOurs(r):
			e.foreign++
		default:
			move = append(move, r)
			continue
		}
		e.held = append(e.held, r)
	}
	return move, fresh
}

// isOurs reports whether the letter came from the queue that letters go back to, as far as is known.
func (e *eachMove) isOurs(r received) bool {
	if r.source != "" && e.place.ARN != "" {
		return r.source == e.place.ARN
	}
	return !e.policies.others
}

// move sends letters and removes those that are sent. It goes on when ctx ends.
func (e *eachMove) move(ctx context.Context, letters []received) {
	if len(letters) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	removable := e.send(ctx, letters)
	if len(removable) > 0 {
		for i, err := range e.remove(ctx, removable) {
			if err != nil {
				e.note("%s is moved and could not be removed, so that another redrive would move it again: %v", removable[i].message.ID, err)
				continue
			}
			e.mu.Lock()
			delete(e.sent, removable[i].message.ID)
			e.mu.Unlock()
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.progress.Left = e.left()
	e.request.Report(e.progress)
}

// send sends those letters that are not sent yet, and returns those that are.
func (e *eachMove) send(ctx context.Context, letters []received) (sent []received) {
	var (
		out      []*message.Message
		outgoing []received
	)
	e.mu.Lock()
	for _, r := range letters {
		if e.sent[r.message.ID] {
			sent = append(sent, r)
			continue
		}
		out = append(out, deadletter.Revived(r.message, e.back.Limits().Spare))
		outgoing = append(outgoing, r)
	}
	e.mu.Unlock()
	results := e.publish(ctx, out)
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, result := range results {
		r := outgoing[i]
		if result.Err != nil {
			e.progress.Failed++
			e.held = append(e.held, r)
			e.noteFailure(r, result.Err)
			continue
		}
		e.sent[r.message.ID], e.origins[deadletter.Origin(r.message)] = true, true
		e.progress.Moved++
		sent = append(sent, r)
	}
	return sent
}

// publish sends messages, and those once more that were refused for now.
func (e *eachMove) publish(ctx context.Context, out []*message.Message) []publisher.Result {
	if len(out) == 0 {
		return nil
	}
	results := e.back.Publish(ctx, out)
	var failed []*message.Message
	var places []int
	for i, result := range results {
		if publisher.IsRefused(result.Err) && !publisher.IsPermanent(result.Err) {
			failed, places = append(failed, out[i]), append(places, i)
		}
	}
	if len(failed) > 0 && pause(ctx) {
		for k, result := range e.back.Publish(ctx, failed) {
			results[places[k]] = result
		}
	}
	return results
}

// noteFailure is told under mu.
func (e *eachMove) noteFailure(r received, err error) {
	if e.notes++; e.notes > mostNotes {
		return
	}
	text := "could not be moved"
	if !publisher.IsRefused(err) {
		text = "is left, and may have been moved all the same"
	}
	e.request.Fail(fmt.Errorf("%s %s: %w", r.message.ID, text, err))
}

func (e *eachMove) note(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.notes++; e.notes <= mostNotes {
		e.request.Note(fmt.Sprintf(format, args...))
	}
}
