package demand

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"carrier/dispatch/share"
	"carrier/message"
)

// brought is what a receive brought that asked for so many messages, before it began or since.
func brought(asked, n int, took time.Duration, since bool) Received {
	now := time.Now()
	got := Received{Asked: asked, Begun: now, Took: took, Batch: make([]*message.Message, n)}
	for i := range got.Batch {
		got.Batch[i] = &message.Message{ReceiveCount: 1, Sent: now.Add(-time.Minute)}
		if since {
			got.Batch[i].Sent = now.Add(time.Second)
		}
	}
	return got
}

// work has n receives made one after the other, each full, and an attempt that takes so long.
func work(d *Demand, n int, call, attempt time.Duration) {
	for range n {
		d.Attempted(attempt)
		d.learn(brought(10, 10, call, false))
	}
}

func TestAsManyReceivesAreOpenAsTheWorkIsWorth(t *testing.T) {
	cases := map[string]struct {
		options       Options
		call, attempt time.Duration
		want          int
	}{
		"ten slots, quick work":              {Options{Concurrency: 10, Batch: 10}, 20 * time.Millisecond, 4 * time.Millisecond, 5},
		"ten slots, slow work":               {Options{Concurrency: 10, Batch: 10}, 20 * time.Millisecond, time.Second, minOpen},
		"a thousand slots":                   {Options{Concurrency: 1000, Batch: 10}, 10 * time.Millisecond, 80 * time.Millisecond, 13},
		"never more than 32":                 {Options{Concurrency: 1000, Batch: 10}, 100 * time.Millisecond, time.Millisecond, 32},
		"never more than were set":           {Options{Concurrency: 1000, Batch: 10, Receivers: 3}, 100 * time.Millisecond, time.Millisecond, 3},
		"one where one was set":              {Options{Concurrency: 10, Batch: 10, Receivers: 1}, 20 * time.Millisecond, time.Millisecond, 1},
		"as long as nothing has been posted": {Options{Concurrency: 10, Batch: 10}, 20 * time.Millisecond, 0, minOpen},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := New(c.options)
			if d.wantedOpen != 1 {
				t.Errorf("%d receives are wanted at first, want 1", d.wantedOpen)
			}
			for range 40 {
				if c.attempt > 0 {
					d.Attempted(c.attempt)
				}
				d.learn(brought(10, 10, c.call, false))
			}
			if d.wantedOpen != c.want {
				t.Errorf("%d receives are wanted, want %d", d.wantedOpen, c.want)
			}
		})
	}
}

func TestReceivesThatBringLittleBecomeFewer(t *testing.T) {
	d := New(Options{Concurrency: 1000, Batch: 10})
	work(d, 40, 100*time.Millisecond, time.Millisecond)
	steps := []struct{ bring, want int }{{6, 32}, {5, 31}, {1, 30}, {6, 30}, {0, 1}, {1, minOpen}, {10, minOpen + 1}}
	for _, s := range steps {
		d.learn(brought(10, s.bring, 100*time.Millisecond, true))
		if d.wantedOpen != s.want {
			t.Errorf("after %d of ten %d receives are wanted, want %d", s.bring, d.wantedOpen, s.want)
		}
	}
}

func TestAReceiveBesideOthersAsksForAFullBatch(t *testing.T) {
	d := New(Options{Concurrency: 25, Batch: 10})
	d.wantedOpen = 5
	begin := func() int { return d.Begin(1<<30, d.Peek()) }
	for i, want := range []int{10, 10, 0} {
		if n := begin(); n != want {
			t.Errorf("receive %d asks for %d, want %d: there is demand for 25", i, n, want)
		}
	}
	d.End(brought(10, 0, time.Second, true))
	d.End(brought(10, 0, time.Second, true))
	for range 22 {
		d.AddHead(1)
	}
	if n := begin(); n != 3 {
		t.Errorf("the only receive asks for %d, want what is left, 3", n)
	}
}

func TestAReceiveAsksForWholeSlots(t *testing.T) {
	cases := map[string]struct {
		options Options
		taken   int
		want    int
		idle    int
	}{
		"all of two":                        {Options{Concurrency: 20, PerSlot: 10, Batch: 10}, 0, 10, 10},
		"none while a part of one is taken": {Options{Concurrency: 10, PerSlot: 10, Batch: 10}, 1, 0, 10},
		"as many as a receive brings":       {Options{Concurrency: 20, PerSlot: 20, Batch: 10}, 10, 10, 10},
		"none of a part of that":            {Options{Concurrency: 20, PerSlot: 20, Batch: 10}, 11, 0, 10},
		"two slots with one receive":        {Options{Concurrency: 16, PerSlot: 4, Batch: 10}, 5, 8, 8},
		"what may wait, too":                {Options{Concurrency: 10, PerSlot: 10, Batch: 10, Prefetch: 15}, 12, 10, 10},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := New(c.options)
			d.AddHead(c.taken)
			if n := d.Wanted(); n != c.want {
				t.Errorf("%d are wanted, want %d", n, c.want)
			}
			for range c.taken {
				d.RemoveHead(1)
			}
			if n := d.Wanted(); n != c.idle {
				t.Errorf("%d are wanted once all have left, want %d", n, c.idle)
			}
		})
	}
}

func TestWhatIsReceivedAhead(t *testing.T) {
	quick := Options{Concurrency: 10, Batch: 10, Prefetch: Auto}
	cases := map[string]struct {
		options Options
		got     Received
		attempt time.Duration
		size    int
		want    int
	}{
		"what is finished during a call and a batch": {quick, brought(10, 10, 10*time.Millisecond, false), 4 * time.Millisecond, 1 << 10, 35},
		"whole slots":                                      {Options{Concurrency: 16, PerSlot: 8, Batch: 10, Prefetch: Auto}, brought(8, 8, 10*time.Millisecond, false), 100 * time.Millisecond, 1 << 10, 8},
		"nothing for slow work":                            {quick, brought(10, 10, 10*time.Millisecond, false), time.Second, 1 << 10, 0},
		"as much as 32 receives bring at most":             {quick, brought(10, 10, time.Second, false), time.Millisecond, 1 << 10, 320},
		"no more than usual of large messages":             {quick, brought(10, 10, time.Second, false), time.Millisecond, 1 << 20, 10},
		"nothing where a poll waited":                      {quick, brought(10, 10, 20*time.Second, true), time.Millisecond, 1 << 10, 0},
		"nothing where a call was not full":                {quick, brought(10, 9, 20*time.Second, false), time.Millisecond, 1 << 10, 0},
		"a call is not taken to be longer than a second":   {Options{Concurrency: 1, Batch: 10, Prefetch: Auto}, brought(10, 10, time.Hour, false), 100 * time.Millisecond, 1 << 10, 20},
		"what was set where a number was":                  {Options{Concurrency: 10, Batch: 10, Prefetch: 7}, brought(10, 10, time.Second, false), time.Millisecond, 1 << 10, 7},
		"as much as the receives that were set bring most": {Options{Concurrency: 10, Batch: 10, Prefetch: Auto, Receivers: 2}, brought(10, 10, time.Second, false), time.Millisecond, 1 << 10, 20},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := New(c.options)
			body := make([]byte, c.size)
			for _, m := range c.got.Batch {
				m.Body = body
			}
			d.Attempted(c.attempt)
			d.learn(c.got)
			if d.prefetch != c.want {
				t.Errorf("%d are received ahead, want %d", d.prefetch, c.want)
			}
		})
	}
}

func TestAReceiveAsksForWhatIsLeftOfWhatTheApplicationTakes(t *testing.T) {
	d := New(Options{Concurrency: 100, Batch: 10})
	d.wantedOpen = 10
	before := d.Peek()
	if n := d.Begin(7, before); n != 7 {
		t.Fatalf("it asks for %d of 7", n)
	}
	if n := d.Begin(7, before); n != 0 {
		t.Errorf("a second one asks for %d of 7 that are promised", n)
	}
	if p := d.Peek(); p.Messages != 7 {
		t.Errorf("%d are promised, want 7", p.Messages)
	}
	d.Receive(4)
	d.End(Received{Asked: 7, Batch: make([]*message.Message, 4), Err: context.Canceled})
	earlier := d.Peek()
	d.Take()
	if p := d.Peek(); earlier.Messages != 4 || p.Messages != 3 {
		t.Errorf("promised are %d, and %d once one is taken, want 4 and 3", earlier.Messages, p.Messages)
	}
	// The application counted the one that was taken since when it said five.
	if n := d.Begin(5, earlier); n != 1 {
		t.Errorf("it asks for %d of 5, want 1", n)
	}
}

func TestWhoeverWaitsIsToldWhenLessIsPromised(t *testing.T) {
	falls := map[string]func(d *Demand){
		"a message is taken": func(d *Demand) { d.Take() },
		"a receive ends":     func(d *Demand) { d.End(Received{Asked: 10}) },
	}
	for name, fall := range falls {
		t.Run(name, func(t *testing.T) {
			d := New(Options{Concurrency: 100, Batch: 10})
			d.Begin(1<<30, d.Peek())
			d.Receive(3)
			told := 0
			d.Promised(func() { told++ })
			d.Peek()
			d.AddHead(1)
			d.RemoveHead(1)
			if told != 0 {
				t.Error("told although as much is promised as before")
			}
			fall(d)
			fall = func(d *Demand) { d.Take() }
			fall(d)
			if told != 1 {
				t.Errorf("told %d times, want once", told)
			}
		})
	}
}

func TestDemandWakesOnlyWhenThereIsSome(t *testing.T) {
	d := New(Options{Concurrency: 1, Batch: 10})
	d.AddHead(1)
	d.Receive(1)
	d.Settle()
	if len(d.Wake()) != 0 {
		t.Error("woken although the only slot is taken")
	}
	d.RemoveHead(1)
	if len(d.Wake()) != 1 || d.Wanted() != 1 {
		t.Errorf("not woken although a slot is free; wanted is %d", d.Wanted())
	}
	<-d.Wake()
	d.Pause(true)
	if len(d.Wake()) != 0 || d.Wanted() != 0 {
		t.Errorf("wanted is %d in a pause", d.Wanted())
	}
	d.Pause(false)
	if len(d.Wake()) != 1 || d.Wanted() != 1 {
		t.Errorf("wanted is %d after a pause", d.Wanted())
	}
}

func TestAFreePlaceLetsAReceiveBegin(t *testing.T) {
	p := share.New(1)
	other := p.Member(1)
	d := New(Options{Concurrency: 20, Batch: 10, Share: p.Member(1)})
	other.Acquire(t.Context())
	if n := d.Wanted(); n != 0 {
		t.Errorf("%d are wanted while no place is free", n)
	}
	for waiting := range 8 {
		other.Release()
		other.Acquire(t.Context())
		want := 10 - waiting
		if waiting > 5 {
			want = 0
		}
		if n := d.Wanted(); n != want {
			t.Errorf("%d are wanted with %d waiting, want %d", n, waiting, want)
		}
		if n := d.Begin(1<<30, d.Peek()); n > 0 {
			other.Release() // is no leave for another while one is open
			other.Acquire(t.Context())
			d.End(Received{Asked: n, Err: context.Canceled})
		}
		if n := d.Wanted(); n != 0 {
			t.Errorf("%d are wanted although the place went before", n)
		}
		d.AddHead(1)
	}
}

// Whatever is counted up is counted down.
func TestCountsReturnToNothing(t *testing.T) {
	d := New(Options{Concurrency: 20, Batch: 10, Prefetch: Auto})
	for range 1000 {
		n := d.Begin(rand.IntN(30), d.Peek())
		if n == 0 {
			continue
		}
		got := brought(n, rand.IntN(n+1), time.Millisecond, false)
		d.Receive(len(got.Batch))
		d.End(got)
		for range got.Batch {
			d.AddHead(1)
			d.Take()
			d.PutBack()
			d.Take()
			d.RemoveHead(1)
			d.Settle()
		}
	}
	if p := d.Peek(); p.Messages != 0 || d.InFlight() != 0 || d.Heads() != 0 || d.open != 0 {
		t.Errorf("promised %d, in flight %d, heads %d, open %d", p.Messages, d.InFlight(), d.Heads(), d.open)
	}
}

// The goroutine of a receive that has ended begins the next one itself: another that is woken for it
// would find it begun.
func TestEndOfAReceiveWakesNobodyBeforeItIsAnnounced(t *testing.T) {
	d := New(Options{Concurrency: 20, Batch: 10, Receivers: 2})
	woken := func() bool {
		select {
		case <-d.Wake():
			return true
		default:
			return false
		}
	}
	d.Begin(1<<30, d.Peek())
	d.End(Received{Asked: 10})
	if woken() {
		t.Error("the end of a receive wakes somebody who finds the next one begun")
	}
	n := d.Begin(1<<30, d.Peek())
	d.Announce()
	if woken() {
		t.Error("somebody is woken although the one receive that is wanted is open")
	}
	d.End(Received{Asked: n})
	d.Announce()
	if !woken() {
		t.Error("nobody is woken although a receive is wanted and none is open")
	}
}
