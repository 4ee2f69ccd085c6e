package sqs

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"carrier/internal/contain"
	"carrier/internal/testkit/sqstest"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/sqs/api"
	"carrier/receiver/sqs/environment"
)

func TestLeasesAreRenewedTenACall(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 23, "")
		batch := b.take(t, 23)
		time.Sleep(20 * time.Second)
		for i, err := range b.Extend(t.Context(), batch) {
			if want := time.Now().Add(30 * time.Second); err != nil || !batch[i].Expires().Equal(want) {
				t.Errorf("message %d: %v, expires %v, want %v", i, err, batch[i].Expires(), want)
			}
		}
		if n := b.server.Calls("ChangeMessageVisibilityBatch"); n != 3 || b.seen.Of("call "+api.OpExtend) != 3 {
			t.Errorf("%d calls, want 3", n)
		}
	})
}

func TestEachLeaseHasItsOwnResult(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 5, "")
		batch := b.take(t, 5)
		faults := map[int]*sqstest.EntryFault{
			1: {Code: "ReceiptHandleIsInvalid", SenderFault: true},
			2: {Code: "InternalError"},
			3: {Code: "InvalidParameterValue", Message: "Value x for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.", SenderFault: true},
			4: {Code: "AWS.SimpleQueueService.MessageNotInflight", SenderFault: true},
		}
		b.server.Inject("ChangeMessageVisibilityBatch", sqstest.Fault{Entry: func(i int, _ string) *sqstest.EntryFault { return faults[i] }})
		old := batch[0].Expires()
		time.Sleep(10 * time.Second)
		for i, err := range b.Extend(t.Context(), batch) {
			lost, renewed := errors.Is(err, receiver.ErrLeaseLost), batch[i].Expires().After(old)
			if wantLost := i == 1 || i >= 3; lost != wantLost || renewed != (i == 0) || (err == nil) != (i == 0) {
				t.Errorf("message %d: %v, renewed %v", i, err, renewed)
			}
			if i == 2 && receiver.ClassOf(err) != receiver.Network {
				t.Errorf("the service's own fault is of class %s", receiver.ClassOf(err))
			}
		}
		if b.seen.Of("error "+api.OpExtend+" network") != 1 || b.seen.Of("error "+api.OpExtend+" invalid") != 3 {
			t.Errorf("failures = %v", b.seen.Counts("error"))
		}
	})
}

func TestFailedRenewalLeavesTheLeaseAsItWas(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		batch := b.take(t, 1)
		old := batch[0].Expires()
		time.Sleep(10 * time.Second)
		b.server.Inject("ChangeMessageVisibilityBatch", sqstest.Fault{Error: sqstest.RequestThrottled()})
		err := b.Extend(t.Context(), batch)[0]
		if receiver.ClassOf(err) != receiver.Throttled || errors.Is(err, receiver.ErrLeaseLost) || !batch[0].Expires().Equal(old) {
			t.Errorf("Extend = %v, expires %v, was %v", err, batch[0].Expires(), old)
		}
		if err := b.Extend(t.Context(), batch)[0]; err != nil {
			t.Errorf("the next try = %v", err)
		}
	})
}

func TestLeaseIsCountedFromBeforeTheCall(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		batch := b.take(t, 1)
		time.Sleep(10 * time.Second)
		b.server.Inject("ChangeMessageVisibilityBatch", sqstest.Fault{Delay: 2 * time.Second})
		want := time.Now().Add(30 * time.Second)
		if err := b.Extend(t.Context(), batch)[0]; err != nil || !batch[0].Expires().Equal(want) {
			t.Errorf("Extend = %v, expires %v, want %v", err, batch[0].Expires(), want)
		}
	})
}

// A standard queue has been seen to answer such a renewal with success and to do
// nothing; so it is not asked.
func TestLapsedLeaseIsLostWhateverTheServerSays(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		batch := b.take(t, 1)
		time.Sleep(batch[0].Lease)
		if err := b.Extend(t.Context(), batch)[0]; !errors.Is(err, receiver.ErrLeaseLost) {
			t.Errorf("Extend = %v, want lease lost", err)
		}
		if n := b.server.Calls("ChangeMessageVisibilityBatch"); n != 0 {
			t.Errorf("%d calls for a lease that is over", n)
		}
	})
}

func TestLeaseEndsAMinuteBeforeTwelveHours(t *testing.T) {
	bubble(t, Options{VisibilityTimeout: time.Hour}, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		batch := b.take(t, 1)
		end := time.Now().Add(12*time.Hour - time.Minute)
		for {
			time.Sleep(20 * time.Minute)
			err := b.Extend(t.Context(), batch)[0]
			if errors.Is(err, receiver.ErrLeaseLost) {
				break
			}
			if err != nil || batch[0].Expires().After(end) {
				t.Fatalf("Extend = %v, expires %v, more than %v", err, batch[0].Expires(), end)
			}
		}
		if got := batch[0].Expires(); !got.Equal(end) || time.Now().Before(end) {
			t.Errorf("lost at %v with the lease running until %v; want both at %v", time.Now(), got, end)
		}
		for i, c := range b.queue.VisibilityChanges() {
			if c.Code != "" {
				t.Errorf("renewal %d was refused: %s", i, c.Code)
			}
		}
	})
}

func TestLeaseOfTwelveHoursIsLeftAlone(t *testing.T) {
	bubble(t, Options{VisibilityTimeout: 12 * time.Hour}, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		batch := b.take(t, 1)
		time.Sleep(12*time.Hour - time.Second)
		if err := b.Extend(t.Context(), batch)[0]; err != nil || b.server.Calls("ChangeMessageVisibilityBatch") != 0 {
			t.Errorf("Extend = %v after %d calls; want no call and no error", err, b.server.Calls("ChangeMessageVisibilityBatch"))
		}
	})
}

func TestUnansweredEntryIsAnError(t *testing.T) {
	endpoint, _ := answering(t, map[string]string{
		"GetQueueAttributes":           `{"Attributes":{"VisibilityTimeout":"30"}}`,
		"ChangeMessageVisibilityBatch": `{"Successful":[{"Id":"1"},{"Id":"7"},{"Id":"x"}]}`,
		"DeleteMessageBatch":           `{}`,
	})
	r := New(Options{QueueURL: endpoint + "/1/q"})
	must(t, r.Open(t.Context()))
	defer func() { must(t, r.Close()) }()
	var batch []*message.Message
	for i := range 3 {
		m := &message.Message{ID: fmt.Sprint(i), Lease: time.Minute, Receipt: &receipt{handle: "h", until: time.Now().Add(time.Hour)}}
		m.Renew(time.Now().Add(time.Minute))
		batch = append(batch, m)
	}
	for i, err := range r.Extend(t.Context(), batch) {
		if (err == nil) != (i == 1) || errors.Is(err, receiver.ErrLeaseLost) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	if err := r.Settle(t.Context(), batch[0], message.Outcome{Verdict: message.Delivered}); !errors.Is(err, api.ErrUnanswered) {
		t.Errorf("Settle = %v, want %v", err, api.ErrUnanswered)
	}
}

// panicking panics when it is told of a call.
type panicking struct{ receiver.NoObserver }

func (panicking) SourceCall(operation string) {
	if operation == api.OpExtend {
		panic("broken")
	}
}

func TestPanicInACallIsTheErrorOfItsMessages(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 12, "")
		batch := b.take(t, 12)
		time.Sleep(batch[0].Lease - time.Second)
		lost := batch[0]
		lost.Renew(time.Now())
		honest := b.client
		broken, _, err := api.Connect(t.Context(), api.Options{Options: environment.Options{Endpoint: "http://sqs.test"}, Observer: panicking{}})
		must(t, err)
		defer broken.Close()
		b.client = broken
		for i, err := range b.Extend(t.Context(), batch) {
			var p *contain.Panic
			if own := errors.Is(err, receiver.ErrLeaseLost); own != (i == 0) || !own && !errors.As(err, &p) {
				t.Errorf("message %d: %v", i, err)
			}
		}
		b.client = honest
	})
}
