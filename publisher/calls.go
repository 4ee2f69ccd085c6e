package publisher

import (
	"context"
	"errors"
	"sync"

	"carrier/internal/contain"
	"carrier/message"
)

// errBehind is why a message is refused whose group's message before it was not stored.
var errBehind = errors.New("the message of its group before it was not stored")

// Calls says how messages are put together into calls to a queue.
type Calls struct {
	// Most is the most messages of one call; zero means one.
	Most int
	// Bytes is the most bytes of one call, of which a message takes Size; zero means any number.
	Bytes int
	Size  func(*message.Message) int
	// GroupsApart says that a message with a group has a call of its own.
	GroupsApart bool
	// AtOnce is the most calls open at once; zero means one.
	AtOnce int
	// Send makes one call and returns one Result for each message, in order. It is called from many
	// goroutines, and never with two messages of one group. A panic in it makes the results unknown.
	Send func(ctx context.Context, batch []*message.Message) []Result
}

// Publish sends batch, and returns one Result for each message, in order. It goes in rounds: each
// takes of every group the first message that is left, and all that have none. Where ctx ends what
// was not sent is refused.
func (c Calls) Publish(ctx context.Context, batch []*message.Message) []Result {
	if len(batch) == 1 {
		return c.call(ctx, batch)
	}
	results := make([]Result, len(batch))
	waiting := make([]int, len(batch))
	for i := range waiting {
		waiting[i] = i
	}
	failed := map[string]bool{} // groups
	for len(waiting) > 0 {
		round, rest := nextRound(batch, waiting)
		c.round(ctx, batch, round, results)
		for _, i := range round {
			if results[i].Err != nil {
				failed[batch[i].Group] = true
			}
		}
		waiting = rest[:0]
		for _, i := range rest { // all of them have a group
			if failed[batch[i].Group] {
				results[i] = Refuse(NotNow, errBehind)
				continue
			}
			waiting = append(waiting, i)
		}
	}
	return results
}

// nextRound parts the places in waiting: those whose messages may go now, and those behind them.
func nextRound(batch []*message.Message, waiting []int) (round, rest []int) {
	seen := map[string]bool{}
	for _, i := range waiting {
		group := batch[i].Group
		if group != "" && seen[group] {
			rest = append(rest, i)
			continue
		}
		seen[group] = true
		round = append(round, i)
	}
	return round, rest
}

// round sends the messages at the places of one round and fills in their results.
func (c Calls) round(ctx context.Context, batch []*message.Message, round []int, results []Result) {
	slots := make(chan struct{}, max(c.AtOnce, 1))
	var calls sync.WaitGroup
	for _, places := range c.split(batch, round) {
		messages := make([]*message.Message, len(places))
		for k, i := range places {
			messages[k] = batch[i]
		}
		slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-slots }()
			for k, result := range c.call(ctx, messages) {
				results[places[k]] = result
			}
		})
	}
	calls.Wait()
}

// split parts a round into calls.
func (c Calls) split(batch []*message.Message, round []int) (calls [][]int) {
	var open []int // the call that others may join
	used := 0
	for _, i := range round {
		if c.GroupsApart && batch[i].Group != "" {
			calls = append(calls, []int{i})
			continue
		}
		size := 0
		if c.Size != nil {
			size = c.Size(batch[i])
		}
		if len(open) > 0 && (len(open) >= max(c.Most, 1) || c.Bytes > 0 && used+size > c.Bytes) {
			calls = append(calls, open)
			open, used = nil, 0
		}
		open, used = append(open, i), used+size
	}
	if len(open) > 0 {
		calls = append(calls, open)
	}
	return calls
}

// call returns exactly one Result for each message, whatever Send does.
func (c Calls) call(ctx context.Context, messages []*message.Message) []Result {
	if err := ctx.Err(); err != nil {
		return Repeat(Refuse(NotNow, err), len(messages))
	}
	var results []Result
	err := contain.Call(func() error {
		results = c.Send(ctx, messages)
		return nil
	})
	if err == nil {
		err = errors.New("the call returned no result for the message")
	}
	for len(results) < len(messages) {
		results = append(results, Result{Err: err})
	}
	return results[:len(messages)]
}

// Repeat returns the same Result n times.
func Repeat(r Result, n int) []Result {
	results := make([]Result, n)
	for i := range results {
		results[i] = r
	}
	return results
}

// Checked returns the results of batch, one for each message: a refusal where check finds a reason,
// else what publish says of those that are good. A message of a group behind one that was refused is
// refused too.
func Checked(batch []*message.Message, check func(*message.Message) (Why, error), publish func([]*message.Message) []Result) []Result {
	if len(batch) == 1 {
		if why, err := check(batch[0]); err != nil {
			return []Result{Refuse(why, err)}
		}
		return publish(batch)
	}
	var (
		results = make([]Result, len(batch))
		good    []*message.Message
		places  []int
		failed  = map[string]bool{} // groups
	)
	for i, m := range batch {
		why, err := check(m)
		if err == nil && m.Group != "" && failed[m.Group] {
			why, err = NotNow, errBehind
		}
		if err != nil {
			results[i] = Refuse(why, err)
			failed[m.Group] = true
			continue
		}
		good, places = append(good, m), append(places, i)
	}
	for k, r := range publish(good) {
		results[places[k]] = r
	}
	return results
}
