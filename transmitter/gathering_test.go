package transmitter_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

// requests is a Batcher that notes each request, as the ids in it, and answers as answer says.
type requests struct {
	*transmittertest.Memory
	answer func(ids string) message.Outcome

	mu   sync.Mutex
	made []string
}

func (r *requests) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	return r.TransmitBatch(ctx, []*message.Message{m})[0]
}

func (r *requests) TransmitBatch(_ context.Context, batch []*message.Message) []message.Outcome {
	var ids []string
	for _, m := range batch {
		ids = append(ids, m.ID)
	}
	all := strings.Join(ids, "")
	r.mu.Lock()
	r.made = append(r.made, all)
	r.mu.Unlock()
	time.Sleep(time.Second)
	outcomes := make([]message.Outcome, len(batch))
	for i := range outcomes {
		outcomes[i] = r.answer(all)
		outcomes[i].Along = i > 0
	}
	return outcomes
}

// answered500 is the outcome of an attempt that failed.
var answered500 = failedWith(500)

// batchOf makes a batch of messages, one for each letter.
func batchOf(letters string, ordered bool) []*message.Message {
	var batch []*message.Message
	for _, id := range letters {
		batch = append(batch, &message.Message{ID: string(id), Ordered: ordered})
	}
	return batch
}

// unless is a middleware that answers messages named in o by itself.
func unless(o map[string]message.Outcome) transmitter.Middleware {
	return func(next transmitter.Transmitter) transmitter.Transmitter { return &unlessNamed{next, o} }
}

type unlessNamed struct {
	transmitter.Transmitter
	o map[string]message.Outcome
}

func (u *unlessNamed) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	if o, named := u.o[m.ID]; named {
		return o
	}
	return u.Transmitter.Transmit(ctx, m)
}

func TestABatchMeetsAgainBehindItsMiddlewares(t *testing.T) {
	rejected := message.Outcome{Verdict: message.Rejected, Action: message.Drop}
	for name, c := range map[string]struct {
		ordered      bool
		route, first map[string]message.Outcome // answered before the first endpoint, or before both
		broken       string                     // the first endpoint fails
		made1, made2 string
		delivered    string
		leftOut      string
	}{
		"all at once":                                {made1: "abcd", delivered: "abcd"},
		"all but one that was given up":              {route: map[string]message.Outcome{"b": rejected}, made1: "acd", delivered: "acd"},
		"each where it is let in":                    {first: map[string]message.Outcome{"b": refused, "c": refused}, made1: "ad", made2: "bc", delivered: "abcd"},
		"all on to the next endpoint":                {broken: "abcd", made1: "abcd", made2: "abcd", delivered: "abcd"},
		"a group at once":                            {ordered: true, made1: "abcd", delivered: "abcd"},
		"a group on to the next endpoint":            {ordered: true, broken: "abcd", made1: "abcd", made2: "abcd", delivered: "abcd"},
		"a group up to one that was given up":        {ordered: true, route: map[string]message.Outcome{"c": rejected}, made1: "ab", delivered: "ab", leftOut: "d"},
		"of a group nothing when the first is not":   {ordered: true, route: map[string]message.Outcome{"a": rejected}, leftOut: "bcd"},
		"a group's probe alone":                      {ordered: true, first: map[string]message.Outcome{"b": refused, "c": refused, "d": refused}, made1: "a", delivered: "a", leftOut: "bcd"},
		"a group up to one that goes another way":    {ordered: true, first: map[string]message.Outcome{"c": refused}, made1: "ab", delivered: "ab", leftOut: "cd"},
		"a group without its first at the first one": {ordered: true, first: map[string]message.Outcome{"a": refused}, made2: "a", delivered: "a", leftOut: "bcd"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g transmitter.Gathering
				one := &requests{Memory: transmittertest.NewMemory(nil), answer: func(ids string) message.Outcome {
					if c.broken != "" && ids == c.broken {
						return answered500
					}
					return accepted
				}}
				two := &requests{Memory: transmittertest.NewMemory(nil), answer: func(string) message.Outcome { return accepted }}
				failover := transmitter.NewFailover(transmitter.FailoverOptions{Endpoints: []transmitter.Transmitter{
					transmitter.Wrap(g.End(one), unless(c.first)), g.End(two),
				}})
				batch := batchOf("abcd", c.ordered)
				outcomes := g.Around(transmitter.Wrap(failover, unless(c.route))).TransmitBatch(t.Context(), batch)
				var delivered, leftOut string
				for i, o := range outcomes {
					switch {
					case o.Verdict == message.Delivered:
						delivered += batch[i].ID
					case o.Verdict == message.Retry && o.Cause != message.Failed:
						leftOut += batch[i].ID
					}
				}
				for what, pair := range map[string][2]string{
					"first endpoint": {strings.Join(one.made, ","), c.made1}, "second endpoint": {strings.Join(two.made, ","), c.made2},
					"delivered": {delivered, c.delivered}, "left out": {leftOut, c.leftOut},
				} {
					if pair[0] != pair[1] {
						t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
					}
				}
			})
		})
	}
}

func TestAMessageOfNoBatchGoesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g transmitter.Gathering
		one := &requests{Memory: transmittertest.NewMemory(nil), answer: func(string) message.Outcome { return accepted }}
		top := g.Around(g.End(one))
		var all sync.WaitGroup
		all.Go(func() { top.TransmitBatch(t.Context(), batchOf("ab", false)) })
		all.Go(func() { top.Transmit(t.Context(), batchOf("c", false)[0]) })
		all.Wait()
		slices.Sort(one.made)
		if fmt.Sprint(one.made) != "[ab c]" {
			t.Errorf("requests %v", one.made)
		}
	})
}

func TestAPanicFailsTheMessagesOfItsRequestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g transmitter.Gathering
		one := &requests{Memory: transmittertest.NewMemory(nil), answer: func(string) message.Outcome { panic("at the end") }}
		rejected := map[string]message.Outcome{"a": {Verdict: message.Rejected, Action: message.Drop}}
		top := g.Around(transmitter.Wrap(g.End(one), unless(rejected)))
		for range 2 { // nothing is left behind by the first
			outcomes := top.TransmitBatch(t.Context(), batchOf("abc", false))
			if outcomes[0] != rejected["a"] || outcomes[1].Cause != message.Failed || outcomes[2].Cause != message.Failed {
				t.Errorf("outcomes %+v", outcomes)
			}
		}
		if fmt.Sprint(one.made) != "[bc bc]" {
			t.Errorf("requests %v", one.made)
		}
	})
}

func TestTheBreakerCountsRequestsAndNotMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g transmitter.Gathering
		one := &requests{Memory: transmittertest.NewMemory(nil), answer: func(string) message.Outcome { return answered500 }}
		opened := 0
		top := g.Around(transmitter.Wrap(g.End(one), transmitter.Breaker(transmitter.BreakerOptions{
			Failures: 3, Cooldown: time.Minute, Changed: func(bool) { opened++ },
		})))
		for i := range 3 {
			if opened != 0 {
				t.Errorf("the breaker is open after %d requests of four messages", i)
			}
			top.TransmitBatch(t.Context(), batchOf("abcd", false))
		}
		time.Sleep(time.Minute)
		top.TransmitBatch(t.Context(), batchOf("abcd", false))
		if opened != 1 || len(one.made) != 4 || len(one.made[3]) != 1 {
			t.Errorf("opened %d times; requests %v, want three of four messages and a probe of one", opened, one.made)
		}
	})
}
