package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/receiver/receivertest"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

// consumers is an application that takes a message only when it asks for one. Ready is the number
// that ask and have none.
type consumers struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced when there is something to look at
	asking  int
	asked   int                       // Ready was called so often
	working map[*message.Message]bool // transmitted, and not settled
	held    int                       // received and not settled
	most    int                       // by how many held was more than what was asked for
}

func newConsumers() *consumers {
	return &consumers{changed: make(chan struct{}), working: map[*message.Message]bool{}}
}

// change makes a change and wakes who waits for one.
func (c *consumers) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *consumers) ask(n int) { c.change(func() { c.asking += n }) }

func (c *consumers) Ready(ctx context.Context, promised int) (int, error) {
	c.look(func(c *consumers) { c.asked++ })
	time.Sleep(time.Nanosecond) // whatever Transmit was called with has come to its consumer
	for {
		c.mu.Lock()
		n, changed := c.asking, c.changed
		c.mu.Unlock()
		if n > promised {
			return n, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// take gives m to one that asks, and reports whether there was one before ctx ended.
func (c *consumers) take(ctx context.Context, m *message.Message) bool {
	for {
		c.mu.Lock()
		changed := c.changed
		if c.asking > 0 {
			c.asking--
			c.working[m] = true
			c.mu.Unlock()
			return true
		}
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// answeredBy is a Transmitter whose consumers answer as answer says.
type answeredBy struct {
	*consumers
	answer transmittertest.Answer
}

func (a answeredBy) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	if !a.take(ctx, m) {
		return message.Outcome{}
	}
	return a.answer(ctx, m)
}

// received counts what a receive has brought, and holds it against what was asked for.
func (c *consumers) received(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held += n
	c.most = max(c.most, c.held-c.asking-len(c.working))
}

func (c *consumers) observe(e Event) {
	if e.Kind == Settled {
		c.change(func() {
			c.held--
			delete(c.working, e.Message)
		})
	}
}

func (c *consumers) look(f func(c *consumers)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c)
}

// counted is a source whose receives take the time that took says, and are counted by consumers.
type counted struct {
	*receivertest.Memory
	*consumers
	took func() time.Duration
}

func (s counted) Receive(ctx context.Context, limit int) ([]*message.Message, error) {
	time.Sleep(s.took())
	batch, err := s.Memory.Receive(ctx, limit)
	s.received(len(batch))
	return batch, err
}

func TestNoMoreIsReceivedThanConsumersAskFor(t *testing.T) {
	for n := range schedules {
		t.Run(fmt.Sprint(n), func(t *testing.T) { consumersAsk(t, uint64(n)) })
	}
}

func consumersAsk(t *testing.T, n uint64) {
	s := &schedule{rand: rand.New(rand.NewPCG(n, n)), faults: n%3 == 1}
	var c *consumers
	change := func(o *Options) {
		c = newConsumers() // in the bubble
		o.Concurrency, o.Prefetch, o.Receivers = 1+s.chance(20), s.chance(8)-1, s.chance(4)
		o.Receiver = counted{o.Receiver.(*receivertest.Memory), c, func() time.Duration {
			return time.Duration(s.chance(1500)) * time.Millisecond
		}}
		o.Transmitter = answeredBy{c, s.word}
		o.Observe = func(e Event) { c.observe(e) }
	}
	within(t, change, func(t *testing.T, b *bench) {
		for _, id := range ids(20 + s.chance(60)) {
			b.source.Add(receivertest.Put{Body: id, Group: []string{"", "", "g", "h"}[s.chance(4)]}, id)
		}
		b.source.Fail(s.fault)
		b.start()
		for asked := 0; b.source.Left() > 0 && asked < 10_000; {
			k := s.chance(4)
			asked += k
			c.ask(k)
			time.Sleep(time.Duration(s.chance(2000)) * time.Millisecond)
		}
		isTrue(t, b.source.Left() == 0, "%d left, although consumers asked on", b.source.Left())
		c.look(func(c *consumers) {
			isTrue(t, c.most <= 0, "%d messages more were received than asked for", c.most)
		})
		b.stop(t)
	})
}

// word is what a consumer says of a message.
func (s *schedule) word(ctx context.Context, m *message.Message) message.Outcome {
	time.Sleep(time.Duration(s.chance(3000)) * time.Millisecond)
	switch s.chance(12) {
	case 0:
		return failed(time.Duration(s.chance(5)) * time.Second)
	case 1:
		return message.Outcome{Verdict: message.Rejected, Status: 400, Code: "4xx"}
	case 2:
		panic("the consumer's code is not ours")
	}
	return transmittertest.Accept(ctx, m)
}

func TestOneConsumerIsWorthOneMessage(t *testing.T) {
	var c *consumers
	change := func(o *Options) {
		c = newConsumers() // in the bubble
		o.Concurrency, o.Receivers = 100, 10
		o.Transmitter = answeredBy{c, takes(time.Minute)}
	}
	within(t, change, func(t *testing.T, b *bench) {
		b.source.Put(ids(100)...)
		b.start()
		time.Sleep(time.Hour)
		limits, _ := b.source.Receives()
		isTrue(t, len(limits) == 0, "%d receives while nobody asked", len(limits))
		c.look(func(c *consumers) { isTrue(t, c.asked <= 1, "it was looked %d times whether somebody asks", c.asked) })
		isTrue(t, b.Live() == nil, "Live = %v while nobody asks", b.Live())
		for held := 1; held <= 3; held++ {
			c.ask(1)
			time.Sleep(time.Millisecond)
			isTrue(t, b.source.Held() == held, "%d messages leased for %d consumers", b.source.Held(), held)
		}
		c.look(func(c *consumers) { isTrue(t, c.asked <= 20, "it was looked %d times whether somebody asks", c.asked) })
		b.stop(t)
	})
}

// A consumer that goes away takes its demand with it: its message waits, and is not lost.
func TestAConsumerThatGoesAwayLeavesItsMessageToTheNext(t *testing.T) {
	var c *consumers
	change := func(o *Options) {
		c = newConsumers() // in the bubble
		o.Concurrency = 10
		o.Receiver = counted{o.Receiver.(*receivertest.Memory), c, func() time.Duration { return time.Second }}
		o.Transmitter = answeredBy{c, transmittertest.Accept}
	}
	within(t, change, func(t *testing.T, b *bench) {
		b.source.Put(ids(3)...)
		b.start()
		c.ask(2)
		time.Sleep(time.Millisecond)
		c.ask(-2)
		time.Sleep(3 * leaseTime)
		isTrue(t, b.source.Held() == 2, "%d messages are kept, want 2", b.source.Held())
		c.ask(3)
		time.Sleep(2 * time.Second)
		isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
		b.stop(t)
	})
}

// Whether the source should have answered is seen from outside by this alone.
func TestReceivingSaysWhetherTheSourceIsAsked(t *testing.T) {
	broken := func(operation string) func(string, *message.Message) error {
		return func(called string, _ *message.Message) error {
			if called == operation {
				return errors.New("away")
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		prepare func(*bench)
		want    bool
	}{
		"an idle source":                 {func(*bench) {}, true},
		"a source that is not opened":    {func(b *bench) { b.source.Fail(broken("open")) }, true},
		"a source that fails":            {func(b *bench) { b.source.Fail(broken("receive")) }, true},
		"a pause":                        {func(b *bench) { b.Pause() }, false},
		"an application that takes none": {func(b *bench) { b.worker.SetReady(false) }, false},
		"a worker that is busy": {func(b *bench) {
			b.worker.SetAnswer(takes(time.Hour))
			b.source.Put("a")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, nil, func(t *testing.T, b *bench) {
				isTrue(t, !b.Receiving(), "it says so before it runs")
				c.prepare(b)
				b.start()
				for range 10 {
					time.Sleep(time.Minute + time.Second)
					synctest.Wait()
					isTrue(t, b.Receiving() == c.want, "Receiving = %v", b.Receiving())
				}
				b.stop(t)
				isTrue(t, !b.Receiving(), "it says so after its end")
			})
		})
	}
}

func TestAPausedDispatcherReceivesNothing(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(takes(time.Minute))
		b.source.Put("a")
		b.start()
		b.Pause()
		b.source.Put("b", "c")
		time.Sleep(time.Hour)
		equal(t, "posts while paused", b.worker.Handed(), "a")
		equal(t, "ends while paused", b.ends(), "a delivered")
		isTrue(t, b.Live() == nil, "Live = %v in a pause", b.Live())
		b.Resume()
		time.Sleep(3 * time.Minute)
		equal(t, "posts", b.worker.Handed(), "a", "b", "c")
		b.Pause()
		b.stop(t)
	})
}

var _ transmitter.Transmitter = answeredBy{}
