package dispatch

import (
	"context"
	"errors"
	"testing"
	"time"

	"carrier/message"
	"carrier/transmitter/transmittertest"
)

func TestAGroupIsDeliveredInOrderOneAtATime(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 5 }, func(t *testing.T, b *bench) {
		b.putGroup("g", "1", "2", "3", "4", "5", "6")
		b.worker.SetAnswer(takes(time.Second))
		b.start()
		time.Sleep(time.Minute)
		equal(t, "posts", b.worker.Handed(), "1", "2", "3", "4", "5", "6")
		_, most := b.worker.InFlight()
		isTrue(t, most == 1, "%d of one group were with the worker at once", most)
		b.stop(t)
	})
}

func TestTheNextOfAGroupWaitsForTheSettlement(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 5 }, func(t *testing.T, b *bench) {
		b.source.Fail(slowSettle(5 * time.Second))
		b.putGroup("g", "1", "2")
		b.start()
		time.Sleep(4 * time.Second)
		equal(t, "posts before 1 is settled", b.worker.Handed(), "1")
		time.Sleep(time.Minute)
		equal(t, "posts", b.worker.Handed(), "1", "2")
		b.stop(t)
	})
}

func TestAFailedHeadReturnsItsTail(t *testing.T) {
	cases := map[string]message.Outcome{
		"failed":                    failed(time.Minute),
		"deferred":                  {Cause: message.Deferred, Delay: time.Minute, Status: 429, Code: "4xx"},
		"rejected, left to redrive": {Verdict: message.Rejected, Delay: time.Minute, Status: 400, Code: "4xx"},
	}
	for name, head := range cases {
		t.Run(name, func(t *testing.T) {
			within(t, func(o *Options) { o.Concurrency = 3 }, func(t *testing.T, b *bench) {
				b.worker.SetAnswer(answers(map[string][]message.Outcome{"1": {head}}))
				b.putGroup("g", "1", "2", "3")
				b.start()
				time.Sleep(time.Second)
				equal(t, "posts", b.worker.Handed(), "1")
				equal(t, "ends", b.ends(), "3 returned", "2 returned", "1 "+head.Label())
				time.Sleep(2 * time.Minute)
				equal(t, "posts", b.worker.Handed(), "1", "1", "2", "3")
				b.stop(t)
			})
		})
	}
}

func TestADroppedHeadDoesNotStopItsGroup(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 3 }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(answers(map[string][]message.Outcome{
			"1": {{Verdict: message.Rejected, Action: message.Drop, Status: 400, Code: "4xx"}},
		}))
		b.putGroup("g", "1", "2")
		b.start()
		time.Sleep(time.Second)
		equal(t, "posts", b.worker.Handed(), "1", "2")
		equal(t, "ends", b.ends(), "1 rejected", "2 delivered")
		b.stop(t)
	})
}

func TestAnUnknownSettlementReturnsTheTail(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 3 }, func(t *testing.T, b *bench) {
		b.source.Fail(func(operation string, m *message.Message) error {
			if operation == "settle" && m.ID == "1" && m.ReceiveCount == 1 {
				return errors.New("cut")
			}
			return nil
		})
		b.putGroup("g", "1", "2", "3")
		b.start()
		time.Sleep(leaseTime - time.Second)
		equal(t, "posts", b.worker.Handed(), "1")
		time.Sleep(10 * time.Second)
		equal(t, "posts", b.worker.Handed(), "1", "2", "3") // 1 came back and was not posted again
		equal(t, "ends", b.ends()[:4], "1 lost", "3 returned", "2 returned", "1 delivered")
		b.stop(t)
	})
}

func TestALostHeadReturnsItsTail(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 3 }, func(t *testing.T, b *bench) {
		b.source.Fail(func(operation string, m *message.Message) error {
			if operation == "extend" && m.ReceiveCount == 1 && m.ID == "1" {
				return errors.New("cut")
			}
			return nil
		})
		b.worker.SetAnswer(func(ctx context.Context, m *message.Message) message.Outcome {
			if m.ReceiveCount == 1 && m.ID == "1" {
				time.Sleep(2 * leaseTime)
			}
			return transmittertest.Accept(ctx, m)
		})
		b.putGroup("g", "1", "2", "3")
		b.start()
		time.Sleep(10 * leaseTime)
		equal(t, "posts", b.worker.Handed(), "1", "2", "3")
		isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
		b.stop(t)
	})
}

func TestATailTakesNoSlotAndABusyGroupLeavesRoom(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 2; o.Batch = 2 }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(takes(10 * time.Second))
		b.putGroup("g", ids(20)...)
		b.start()
		b.putGroup("h", "h1")
		time.Sleep(time.Second)
		equal(t, "with the worker", b.worker.Held(), "h1", "m000")
		b.stop(t)
	})
}

func TestAStandardQueuesGroupsOrderNothing(t *testing.T) {
	l := newLanes()
	for _, id := range []string{"1", "2"} {
		if !l.enter(&delivery{Message: &message.Message{ID: id, Group: "g"}}, func(*delivery) {}) {
			t.Errorf("%s waits, though its group orders nothing", id)
		}
	}
}

func TestAGroupWhoseLeasesLapsedKeepsItsOrder(t *testing.T) {
	heads := map[string]message.Outcome{
		"a head that fails":        failed(0),
		"a head that is delivered": transmittertest.Accept(context.Background(), nil),
	}
	for name, head := range heads {
		t.Run(name, func(t *testing.T) {
			within(t, func(o *Options) { o.Concurrency = 6 }, func(t *testing.T, b *bench) {
				b.source.Fail(func(operation string, m *message.Message) error {
					if operation == "extend" && m.ReceiveCount == 1 {
						return errors.New("cut")
					}
					return nil
				})
				var accepted []string
				b.worker.SetAnswer(func(ctx context.Context, m *message.Message) message.Outcome {
					o := transmittertest.Accept(ctx, m)
					if m.ReceiveCount == 1 && m.ID == "1" {
						time.Sleep(2 * leaseTime) // all four are handed out again meanwhile
						o = head
					}
					if o.Verdict == message.Delivered {
						accepted = append(accepted, m.ID)
					}
					return o
				})
				b.putGroup("g", "1", "2", "3", "4")
				b.start()
				time.Sleep(10 * leaseTime)
				b.stop(t)
				equal(t, "accepted", accepted, "1", "2", "3", "4")
				isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
			})
		})
	}
}
