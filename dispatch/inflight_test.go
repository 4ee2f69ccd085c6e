package dispatch

import (
	"fmt"
	"testing"
	"time"

	"carrier/message"
	"carrier/receiver"
)

func TestAMessageThatComesAgainAfterItsRemoval(t *testing.T) {
	rejected := message.Outcome{Verdict: message.Rejected, Action: message.Drop, Status: 400, Code: "4xx"}
	cases := map[string]struct {
		repeats bool
		outcome message.Outcome
		posts   []string
		ends    []string
	}{
		"is removed unposted where the source repeats by itself": {
			true, message.Outcome{Verdict: message.Delivered}, []string{"a"}, []string{"a delivered", "a delivered"},
		},
		"is removed unposted also where it was dropped": {
			true, rejected, []string{"a"}, []string{"a rejected", "a delivered"},
		},
		"is a replay and posted again where the source does not": {
			false, message.Outcome{Verdict: message.Delivered}, []string{"a", "a"}, []string{"a delivered", "a delivered"},
		},
		"is posted again where it had been given back": {
			true, failed(24 * time.Hour), []string{"a", "a"}, []string{"a failed", "a delivered"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			within(t, nil, func(t *testing.T, b *bench) {
				b.source.Repeat("", c.repeats)
				b.worker.SetAnswer(answers(map[string][]message.Outcome{"a": {c.outcome}}))
				b.source.Put("a")
				b.start()
				time.Sleep(12 * time.Hour)
				b.source.Repeat("a", c.repeats)
				time.Sleep(time.Second)
				time.Sleep(c.outcome.Delay)
				equal(t, "posts", b.worker.Handed(), c.posts...)
				equal(t, "ends", b.ends(), c.ends...)
				isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
				b.stop(t)
			})
		})
	}
}

func TestAcceptedMessageThatComesAgainNeedsNoSlot(t *testing.T) {
	within(t, func(o *Options) { o.Prefetch = 1 }, func(t *testing.T, b *bench) {
		b.source.Repeat("", true)
		b.source.Put("a")
		b.start()
		time.Sleep(time.Second)
		b.worker.SetAnswer(takes(time.Hour))
		b.source.Put("b")
		time.Sleep(time.Second)
		b.source.Repeat("a", true)
		time.Sleep(time.Minute)
		equal(t, "ends while the worker is busy", b.ends(), "a delivered", "a delivered")
		isTrue(t, len(b.of(Redelivered)) == 1, "told of %d redeliveries, want 1", len(b.of(Redelivered)))
		b.stop(t)
	})
}

func TestADeadLetterThatIsKeptIsNotPostedAgain(t *testing.T) {
	cases := map[string]struct {
		err   error
		posts []string
	}{
		"its removal fails":   {fmt.Errorf("%w: cut", receiver.ErrNotRemoved), []string{"a"}},
		"nobody knows of it":  {receiver.ErrLeaseLost, []string{"a", "a"}},
		"the lease was short": {fmt.Errorf("%w: %w", receiver.ErrNotRemoved, receiver.ErrLeaseLost), []string{"a"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			within(t, nil, func(t *testing.T, b *bench) {
				b.source.Fail(func(operation string, m *message.Message) error {
					if operation == "settle" && m.ReceiveCount == 1 {
						return c.err
					}
					return nil
				})
				b.worker.SetAnswer(answers(map[string][]message.Outcome{
					"a": {{Verdict: message.Rejected, Action: message.DeadLetter}},
				}))
				b.source.Put("a")
				b.start()
				time.Sleep(3 * leaseTime)
				equal(t, "posts", b.worker.Handed(), c.posts...)
				equal(t, "ends", b.ends(), "a lost", "a delivered")
				b.stop(t)
			})
		})
	}
}

func BenchmarkEndedIDs(b *testing.B) {
	a := newEndedIDs()
	ids := make([]string, 3*endedLimit)
	for i := range ids {
		ids[i] = fmt.Sprintf("b8c8bd94-5d1c-4f5e-9c44-%012d", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		id := ids[i%len(ids)]
		if a.has(id) {
			b.Fatal("an id is remembered for too long")
		}
		a.confirmed(id, true)
	}
}
