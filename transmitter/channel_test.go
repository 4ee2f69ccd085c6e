package transmitter_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

// threeChannels are three in memory, each over a Failover of one endpoint.
func threeChannels(timeouts transmitter.Timeouts) (transmitter.Transmitter, []*transmittertest.Memory) {
	var channels []transmitter.Channel
	var endpoints []*transmittertest.Memory
	for range 3 {
		e := transmittertest.NewMemory(nil)
		f := transmitter.NewFailover(transmitter.FailoverOptions{Endpoints: []transmitter.Transmitter{e}})
		endpoints = append(endpoints, e)
		channels = append(channels, transmitter.Channel{Transmitter: f, Down: f.Down, Open: func() bool { return true }})
	}
	return transmitter.Channels(timeouts, channels...), endpoints
}

func TestAMessageIsOnTheChannelThatItsAgeSays(t *testing.T) {
	const ago, half = time.Minute, 30 * time.Minute
	cases := map[string]struct {
		first, sent time.Duration // ago; 0 is not known
		down        []int
		want        int
		unreached   bool
	}{
		"just received":                          {first: ago, sent: 50 * time.Hour, want: 0},
		"at the end of the first":                {first: half - time.Millisecond, want: 0},
		"at the beginning of the second":         {first: half, want: 1},
		"at the end of the second":               {first: 2*half - time.Millisecond, want: 1},
		"at the beginning of the third":          {first: 2 * half, want: 2},
		"long after":                             {first: 1000 * half, want: 2},
		"by its sent time":                       {sent: half, want: 1},
		"nobody knows":                           {want: 0},
		"from the future":                        {first: -time.Hour, want: 0},
		"earlier, since its own is down":         {first: ago, down: []int{0}, want: 1},
		"two earlier, since both are down":       {first: ago, down: []int{0, 1}, want: 2},
		"never back, though the first is up":     {first: half, down: []int{1}, want: 2},
		"the last is down: it waits for that":    {first: 2 * half, down: []int{2}, want: -1},
		"its own and later ones are down":        {first: half, down: []int{1, 2}, want: -1},
		"all are down: it waits for any of them": {first: ago, down: []int{0, 1, 2}, want: -1, unreached: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr, endpoints := threeChannels(transmitter.Timeouts{Channel: half})
				for _, k := range c.down {
					endpoints[k].SetReady(false)
				}
				m := &message.Message{ID: "a"}
				if c.first != 0 {
					m.FirstReceived = time.Now().Add(-c.first)
				}
				if c.sent != 0 {
					m.Sent = time.Now().Add(-c.sent)
				}
				o := tr.Transmit(t.Context(), m)
				got := -1
				for k, e := range endpoints {
					if len(e.Handed()) > 0 {
						got = k
					}
				}
				if got != c.want || (o.Verdict == message.Delivered) != (c.want >= 0) {
					t.Errorf("it went over channel %d, want %d; outcome %+v", got, c.want, o)
				}
				if c.want >= 0 {
					return
				}
				waits := o.Cause == message.Deferred && o.Delay > 0
				if o.Code != "" || c.unreached != (o.Cause == message.Unreached) || c.unreached == waits {
					t.Errorf("outcome %+v", o)
				}
			})
		})
	}
}

// TestAWorkerThatRestartsKeepsItsMessages: a channel that is down without an open breaker is waited
// for, as long as a message stays on a channel, and from then on passed over until it is up again.
func TestAWorkerThatRestartsKeepsItsMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const stay = 30 * time.Minute
		var channels []transmitter.Channel
		var endpoints []*transmittertest.Memory
		for range 2 {
			e := transmittertest.NewMemory(nil)
			f := transmitter.NewFailover(transmitter.FailoverOptions{Endpoints: []transmitter.Transmitter{e}})
			endpoints = append(endpoints, e)
			channels = append(channels, transmitter.Channel{Transmitter: f, Down: f.Down})
		}
		tr := transmitter.Channels(transmitter.Timeouts{Channel: stay}, channels...)
		first, second := endpoints[0], endpoints[1]
		for range 2 { // the second outage is waited for like the first
			first.SetReady(false)
			begun := time.Now()
			time.AfterFunc(stay-time.Second, func() { first.SetReady(true) })
			if n, err := tr.Ready(t.Context(), 0); n == 0 || err != nil || time.Since(begun) != stay-time.Second {
				t.Errorf("Ready = %d, %v after %v; want it when the worker is back", n, err, time.Since(begun))
			}
			tr.Transmit(t.Context(), &message.Message{ID: "short", FirstReceived: begun})
		}
		first.SetReady(false)
		begun := time.Now()
		if n, err := tr.Ready(t.Context(), 0); n == 0 || err != nil || time.Since(begun) != stay {
			t.Errorf("Ready = %d, %v after %v; want it when the channel is passed over", n, err, time.Since(begun))
		}
		tr.Transmit(t.Context(), &message.Message{ID: "long", FirstReceived: time.Now()})
		if got := fmt.Sprint(first.Handed(), second.Handed()); got != "[short short] [long]" {
			t.Errorf("handed over: %s", got)
		}
	})
}

func TestAMessageIsToldUntilWhenItIsOnItsChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr, _ := threeChannels(transmitter.Timeouts{Channel: time.Hour, Message: 100 * time.Hour})
		begun := time.Now()
		for name, c := range map[string]struct {
			m    *message.Message
			want time.Time
		}{
			"the first":                 {&message.Message{FirstReceived: begun}, begun.Add(time.Hour)},
			"the second":                {&message.Message{FirstReceived: begun.Add(-time.Hour)}, begun.Add(time.Hour)},
			"the last":                  {&message.Message{FirstReceived: begun.Add(-9 * time.Hour)}, time.Time{}},
			"the message's own timeout": {&message.Message{FirstReceived: begun, Sent: begun, Timeout: time.Minute}, begun.Add(time.Minute)},
			"the route's, on the last":  {&message.Message{FirstReceived: begun.Add(-9 * time.Hour), Sent: begun.Add(-9 * time.Hour)}, begun.Add(91 * time.Hour)},
		} {
			tr.Transmit(t.Context(), c.m)
			if got := c.m.Until(); !got.Equal(c.want) {
				t.Errorf("%s: until %v, want %v", name, got, c.want)
			}
		}
		one := transmitter.Wrap(transmittertest.NewMemory(nil), transmitter.Within(transmitter.Timeouts{Message: time.Hour}))
		m := &message.Message{Sent: begun}
		if one.Transmit(t.Context(), m); !m.Until().Equal(begun.Add(time.Hour)) {
			t.Errorf("without channels: until %v", m.Until())
		}
	})
}

// TestTheRateOfAChannelIsNoReasonToLeaveIt: what Ready has let through is posted, and what is on a
// later channel whose rate is used up waits.
func TestTheRateOfAChannelIsNoReasonToLeaveIt(t *testing.T) {
	channel := func(limit int) (transmitter.Channel, *transmittertest.Memory) {
		e := transmittertest.NewMemory(nil)
		e.SetLimit(limit)
		return transmitter.Channel{Transmitter: e, Down: func() bool { return false }}, e
	}
	first, ofFirst := channel(0)
	second, ofSecond := channel(0)
	tr := transmitter.Channels(transmitter.Timeouts{Channel: time.Hour}, first, second)
	young, old := &message.Message{ID: "young"}, &message.Message{ID: "old", Sent: time.Now().Add(-2 * time.Hour)}
	if o := tr.Transmit(t.Context(), young); o.Verdict != message.Delivered || len(ofFirst.Handed()) != 1 {
		t.Errorf("a message that Ready let through: %+v", o)
	}
	if o := tr.Transmit(t.Context(), old); o.Cause != message.Deferred || o.Delay <= 0 || len(ofSecond.Handed()) != 0 {
		t.Errorf("a message whose channel takes none now: %+v", o)
	}
}

func TestChannelsAreReadyWhenTheOneForNewMessagesIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr, endpoints := threeChannels(transmitter.Timeouts{Channel: time.Hour})
		endpoints[0].SetLimit(5)
		if n, err := tr.Ready(t.Context(), 4); n != 5 || err != nil {
			t.Errorf("Ready = %d, %v; want the first channel's 5", n, err)
		}
		time.AfterFunc(time.Minute, func() { endpoints[0].SetReady(false) })
		begun := time.Now()
		n, err := tr.Ready(t.Context(), 5)
		if late := time.Since(begun) - time.Minute; n != transmitter.Unlimited || err != nil || late < 0 || late > 2*time.Second {
			t.Errorf("Ready = %d, %v after %v; want the second channel when the first is down", n, err, time.Since(begun))
		}
		for _, e := range endpoints {
			e.SetReady(false)
		}
		time.AfterFunc(time.Hour, func() { endpoints[0].SetLimit(1) })
		begun = time.Now()
		if n, err := tr.Ready(t.Context(), 0); n != 1 || err != nil || time.Since(begun) != time.Hour {
			t.Errorf("Ready = %d, %v after %v; want 1 as soon as one is up", n, err, time.Since(begun))
		}
	})
}

// TestChannelsKeepTheirPromisesWhateverIsDown: each Transmit is one attempt on one channel, never on
// one before the message's own, and on a later one only while all before it are down.
func TestChannelsKeepTheirPromisesWhateverIsDown(t *testing.T) {
	for n := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			chance := rand.New(rand.NewPCG(n, n))
			tr, endpoints := threeChannels(transmitter.Timeouts{Channel: time.Hour})
			up := make([]bool, len(endpoints))
			for k, e := range endpoints {
				up[k] = chance.IntN(2) == 0
				e.SetReady(up[k])
			}
			var all sync.WaitGroup
			for i := range 5 {
				own := chance.IntN(3)
				m := &message.Message{ID: fmt.Sprint(i), FirstReceived: time.Now().Add(-time.Duration(own)*time.Hour - time.Minute)}
				all.Go(func() {
					o := tr.Transmit(context.Background(), m)
					want := own
					for want < len(up) && !up[want] {
						want++
					}
					for k, e := range endpoints {
						posts := 0
						for _, id := range e.Handed() {
							if id == m.ID {
								posts++
							}
						}
						if (k == want) != (posts == 1) || posts > 1 {
							t.Errorf("a message of channel %d with up %v: %d attempts on channel %d", own, up, posts, k)
						}
					}
					if (o.Verdict == message.Delivered) != (want < len(up)) {
						t.Errorf("outcome %+v with up %v", o, up)
					}
				})
			}
			all.Wait()
		})
	}
}

func TestTheLeastOfWhatIsLeftCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		m := &message.Message{FirstReceived: now.Add(-10 * time.Minute), Sent: now.Add(-20 * time.Minute)}
		for name, c := range map[string]struct {
			timeouts transmitter.Timeouts
			m        *message.Message
			k        int
			last     bool
			want     time.Duration // from now; 0 is never
		}{
			"nothing is set":             {transmitter.Timeouts{}, m, 0, false, 0},
			"its age":                    {transmitter.Timeouts{Message: time.Hour}, m, 0, true, 40 * time.Minute},
			"its channel":                {transmitter.Timeouts{Channel: 30 * time.Minute}, m, 0, false, 20 * time.Minute},
			"its second channel":         {transmitter.Timeouts{Channel: 30 * time.Minute}, m, 1, false, 50 * time.Minute},
			"the last channel":           {transmitter.Timeouts{Channel: 30 * time.Minute}, m, 1, true, 0},
			"age before channel":         {transmitter.Timeouts{Message: time.Hour, Channel: 30 * time.Minute}, m, 1, false, 40 * time.Minute},
			"channel before age":         {transmitter.Timeouts{Message: time.Hour, Channel: 30 * time.Minute}, m, 0, false, 20 * time.Minute},
			"the message's own timeout":  {transmitter.Timeouts{Message: time.Hour}, &message.Message{Sent: now.Add(-time.Minute), Timeout: 2 * time.Minute}, 0, true, time.Minute},
			"its own, and no other":      {transmitter.Timeouts{}, &message.Message{Sent: now, Timeout: time.Minute}, 0, true, time.Minute},
			"nobody knows its age":       {transmitter.Timeouts{Message: time.Hour, Channel: time.Hour}, &message.Message{}, 0, false, 0},
			"it was delayed: due counts": {transmitter.Timeouts{Message: time.Hour}, &message.Message{Sent: now.Add(-time.Hour), Due: now}, 0, true, time.Hour},
		} {
			want := time.Time{}
			if c.want != 0 {
				want = now.Add(c.want)
			}
			if got := c.timeouts.Until(c.m, c.k, c.last); !got.Equal(want) {
				t.Errorf("%s: until %v from now, want %v", name, got.Sub(now), c.want)
			}
		}
	})
}
