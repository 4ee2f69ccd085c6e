// Package deadletters looks through the dead-letter queue of an SQS queue, and moves what it holds
// back.
//
// SQS has no way to look at a message but to receive it: what is listed is hidden from everybody for
// as long as that takes, and its receive count grows.
package deadletters

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"carrier/internal/deadletter"
	publisher "carrier/publisher/sqs"
	"carrier/receiver"
	"carrier/receiver/preflight"
	"carrier/receiver/sqs"
)

// A Store is the dead-letter queue of one queue. It implements deadletter.Store.
type Store struct {
	place sqs.Place
	arn   string // the dead-letter queue's own; empty where it may not be read
	// policies are the queues whose redrive policies name it.
	policies policies
	back     *publisher.Publisher
}

var _ deadletter.Store = (*Store)(nil)

// Open finds the queue that o names and its dead-letter queue. The notices are for the user.
func Open(ctx context.Context, o sqs.Options) (*Store, []preflight.Notice, error) {
	place, notices, err := sqs.Locate(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	s := &Store{place: place, back: publisher.Over(place.Client, place.URL)}
	attributes, err := place.DeadClient.QueueAttributes(ctx, place.DeadURL)
	if receiver.ClassOf(err) == receiver.Denied {
		notices = append(notices, preflight.Notice{Text: "the dead-letter queue's attributes cannot be read; how many letters it has is not known", Err: err})
	} else if err != nil {
		place.Close()
		return nil, nil, fmt.Errorf("dead-letter queue %s: %w", path.Base(place.DeadURL), err)
	}
	s.arn = attributes["QueueArn"]
	s.policies = s.findPolicies(ctx)
	return s, notices, nil
}

// policies says whose redrive policies name a dead-letter queue.
type policies struct {
	known  bool
	own    bool // the queue's that letters go back to
	others bool
	err    error // why it is not known
}

// findPolicies asks whose dead letters the queue gets. Where that may not be asked, or the server does
// not have the call, it is not known.
func (s *Store) findPolicies(ctx context.Context) policies {
	urls, err := s.sourceQueues(ctx)
	if err != nil {
		return policies{err: err}
	}
	p := policies{known: true}
	for _, url := range urls {
		if s.isOwn(url) {
			p.own = true
		} else {
			p.others = true
		}
	}
	return p
}

// isOwn reports whether url is that of the queue. Servers are called by many names: account and name
// count.
func (s *Store) isOwn(url string) bool {
	return path.Base(url) == path.Base(s.place.URL) && path.Base(path.Dir(url)) == path.Base(path.Dir(s.place.URL))
}

func (s *Store) isFIFO() bool { return strings.HasSuffix(s.place.DeadURL, ".fifo") }

// count is about how many letters there are, -1 where that may not be asked.
func (s *Store) count(ctx context.Context) (int, error) {
	attributes, err := s.place.DeadClient.QueueAttributes(ctx, s.place.DeadURL)
	switch {
	case receiver.ClassOf(err) == receiver.Denied:
		return -1, nil
	case err != nil:
		return 0, err
	}
	total := 0
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		if n, err := strconv.Atoi(attributes[name]); err == nil {
			total += n
		}
	}
	return total, nil
}

// List returns the first limit letters that can be received. SQS knows no places: next is always
// empty. Of a FIFO group only the first ten can be seen.
func (s *Store) List(ctx context.Context, _ string, limit int) ([]deadletter.Letter, string, error) {
	var letters []deadletter.Letter
	err := s.look(ctx, limit, func(r received) (bool, error) {
		letters = append(letters, deadletter.Of(r.message))
		return len(letters) < limit, nil
	})
	return letters, "", err
}

// Show looks for the letter among all that can be received.
func (s *Store) Show(ctx context.Context, id string) (deadletter.Letter, error) {
	var found *deadletter.Letter
	err := s.look(ctx, mostLooked, func(r received) (bool, error) {
		if r.message.ID == id {
			l := deadletter.Whole(r.message)
			found = &l
		}
		return found == nil, nil
	})
	if err != nil || found == nil {
		return deadletter.Letter{}, orNotFound(err, id)
	}
	return *found, nil
}

// Drop looks for the letter likewise, and deletes it.
func (s *Store) Drop(ctx context.Context, id string) error {
	dropped := false
	err := s.look(ctx, mostLooked, func(r received) (bool, error) {
		if r.message.ID != id {
			return true, nil
		}
		dropped = true
		return false, s.remove(ctx, []received{r})[0]
	})
	if err != nil || !dropped {
		return orNotFound(err, id)
	}
	return nil
}

func orNotFound(err error, id string) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %s; one that was looked at or received by somebody a short time ago cannot be found until its visibility timeout ends", deadletter.ErrNotFound, id)
}

// Close closes the connections.
func (s *Store) Close() error {
	s.place.Close()
	return nil
}
