package pubsub

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"carrier/message"
	"carrier/receiver"
)

func TestDeferralBeyondTenMinutesIsHeldUntilItIsDue(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, b bench) {
		const delay = 2*time.Hour + 7*time.Second
		// The fake forgets a message ten minutes after it was published, unless it is in flight.
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		if n := b.DeferralsHeld(); n != 0 {
			t.Errorf("%d are held before there is one", n)
		}
		must(t, b.Settle(t.Context(), m, deferredBy(delay)))
		if n := b.DeferralsHeld(); n != 1 {
			t.Errorf("%d are held, want 1", n)
		}
		time.Sleep(delay - 5*time.Minute)
		if n := b.DeferralsHeld(); n != 0 {
			t.Errorf("%d are held though the last renewal reaches to the end", n)
		}
		seconds, _ := b.api.deadlines()
		last := seconds[len(seconds)-1]
		if slices.Max(seconds) != 600 || last > 600 || len(seconds) > 30 {
			t.Errorf("ack deadlines %v", seconds)
		}
		time.Sleep(5*time.Minute - 2*time.Second)
		if n := b.fake.Messages()[0].Deliveries; n != 1 {
			t.Errorf("handed out %d times before it was due", n)
		}
		if b.seen.Of("call hold") != len(seconds)-1 {
			t.Errorf("%d calls to hold it, want %d", b.seen.Of("call hold"), len(seconds)-1)
		}
	})
}

func TestFailedRenewalOfADeferralIsTriedAgain(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		must(t, b.Settle(t.Context(), b.take(t, 1)[0], deferredBy(time.Hour)))
		b.api.on(failing("ModifyAckDeadline", status.Error(codes.Unavailable, "away")))
		time.Sleep(6 * time.Minute)
		b.api.on(nil)
		time.Sleep(4 * time.Minute)
		if n := b.fake.Messages()[0].Deliveries; n != 1 || b.deferred.count() != 1 {
			t.Errorf("handed out %d times, %d held", n, b.deferred.count())
		}
	})
}

func TestDeferralsAreBounded(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, b bench) {
		for i := range maxDeferred {
			b.deferred.add(fmt.Sprint("other", i), "other", time.Now().Add(time.Hour))
		}
		b.send(t, 1, "")
		must(t, b.Settle(t.Context(), b.take(t, 1)[0], deferredBy(time.Hour)))
		if b.DeferralsHeld() != maxDeferred || !b.seen.Warned("too many") {
			t.Errorf("%d held, warnings %q", b.DeferralsHeld(), b.seen.Warnings())
		}
	})
}

func TestCloseRenewsWhatIsDeferredOnce(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, b bench) {
		b.send(t, 3, "")
		for _, m := range b.take(t, 3) {
			must(t, b.Settle(t.Context(), m, deferredBy(time.Hour)))
		}
		time.Sleep(time.Minute)
		must(t, b.Close())
		seconds, ids := b.api.deadlines()
		if last := len(ids) - 1; ids[last] != 3 || seconds[last] != 600 {
			t.Errorf("deadlines %v of %v ids", seconds, ids)
		}
	})
}

func TestDelayUpToTenMinutesIsTheAckDeadline(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		must(t, b.Settle(t.Context(), b.take(t, 1)[0], deferredBy(90*time.Second+time.Millisecond)))
		if seconds, _ := b.api.deadlines(); !slices.Equal(seconds, []int{91}) || b.deferred.count() != 0 {
			t.Errorf("ack deadlines %v, %d held", seconds, b.deferred.count())
		}
	})
}

func TestSettlementsShareACall(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, b bench) {
		b.send(t, 50, "")
		var all sync.WaitGroup
		for _, m := range b.take(t, 50) {
			all.Go(func() {
				if err := b.Settle(t.Context(), m, delivered()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := b.seen.Of("call acknowledge"); n != 1 {
			t.Errorf("%d calls for 50 messages", n)
		}
		if n := b.sub.Left(t, 0); n != 0 {
			t.Errorf("%d messages left", n)
		}
	})
}

// detailed is the error by which a subscription that delivers exactly once tells what became of
// single ack ids.
func detailed(reasons map[string]string) error {
	s, err := status.New(codes.FailedPrecondition, "some failed").WithDetails(&errdetails.ErrorInfo{Metadata: reasons})
	if err != nil {
		return err
	}
	return s.Err()
}

func TestEachAcknowledgementHasItsOwnResult(t *testing.T) {
	bubble(t, Options{}, &pubsubpb.Subscription{EnableExactlyOnceDelivery: true}, func(t *testing.T, b bench) {
		b.send(t, 3, "")
		batch := b.take(t, 3)
		b.api.on(failing("Acknowledge", detailed(map[string]string{
			receiver.ReceiptOf[receipt](batch[0]).ackID: "PERMANENT_FAILURE_INVALID_ACK_ID",
			receiver.ReceiptOf[receipt](batch[1]).ackID: "TRANSIENT_FAILURE_SERVICE_UNAVAILABLE",
		})))
		errs := make([]error, 3)
		var all sync.WaitGroup
		for i, m := range batch {
			all.Go(func() { errs[i] = b.Settle(t.Context(), m, delivered()) })
		}
		all.Wait()
		lost := func(err error) bool { return errors.Is(err, receiver.ErrLeaseLost) }
		if !lost(errs[0]) || lost(errs[1]) || lost(errs[2]) || errs[1] == nil || errs[2] == nil {
			t.Errorf("errors %v; want the first lost and the others to be tried again", errs)
		}
		if c := receiver.ClassOf(errs[1]); c != receiver.Network {
			t.Errorf("class %s of what may pass", c)
		}
		b.api.on(nil)
		for _, m := range batch[1:] {
			must(t, b.Settle(t.Context(), m, delivered()))
		}
	})
}

func TestEachRenewalHasItsOwnResult(t *testing.T) {
	bubble(t, Options{}, &pubsubpb.Subscription{EnableExactlyOnceDelivery: true}, func(t *testing.T, b bench) {
		b.send(t, 2, "")
		batch := b.take(t, 2)
		b.api.on(failing("ModifyAckDeadline", detailed(map[string]string{receiver.ReceiptOf[receipt](batch[1]).ackID: "PERMANENT_FAILURE_INVALID_ACK_ID"})))
		errs := b.Extend(t.Context(), batch)
		if errs[0] == nil || errors.Is(errs[0], receiver.ErrLeaseLost) || !errors.Is(errs[1], receiver.ErrLeaseLost) {
			t.Errorf("Extend = %v", errs)
		}
	})
}

// Without exactly-once delivery Pub/Sub agrees to everything.
func TestAgreementAfterTheLeaseIsOverIsNotRelied(t *testing.T) {
	for name, exactlyOnce := range map[string]bool{"at least once": false, "exactly once": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{}, &pubsubpb.Subscription{EnableExactlyOnceDelivery: exactlyOnce}, func(t *testing.T, b bench) {
				b.send(t, 1, "")
				batch := b.take(t, 1)
				time.Sleep(batch[0].Lease)
				if err := b.Extend(t.Context(), batch)[0]; !errors.Is(err, receiver.ErrLeaseLost) || b.seen.Of("call extend") != 0 {
					t.Errorf("Extend = %v after %d calls", err, b.seen.Of("call extend"))
				}
				if err := b.Settle(t.Context(), batch[0], delivered()); errors.Is(err, receiver.ErrLeaseLost) == exactlyOnce {
					t.Errorf("Settle = %v", err)
				}
				if b.seen.Of("call acknowledge") != 1 {
					t.Error("it was not tried")
				}
			})
		})
	}
}

func TestDeadLetterIsLeftToThePolicy(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		o := message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter}
		if err := b.Settle(t.Context(), m, o); !errors.Is(err, receiver.ErrNoDeadLetter) {
			t.Errorf("Settle = %v", err)
		}
		must(t, b.Settle(t.Context(), m, message.Outcome{Verdict: message.Rejected}))
	})
}

func TestCloseWaitsForWhatIsGivenBack(t *testing.T) {
	bubble(t, Options{}, &pubsubpb.Subscription{EnableMessageOrdering: true}, func(t *testing.T, b bench) {
		b.api.on(func(in any) (any, error) {
			if _, ok := in.(*pubsubpb.PullRequest); !ok {
				return nil, nil
			}
			return pulled("k", "1", "2", "3"), nil
		})
		batch, err := b.Receive(t.Context(), 1)
		must(t, err)
		if len(batch) != 1 || batch[0].ID != "1" {
			t.Fatalf("received %d", len(batch))
		}
		must(t, b.Close())
		if got := strings.Join(b.api.returned(), " "); got != "ack3 ack2" {
			t.Errorf("given back %q, want the last one first", got)
		}
	})
}

// pulled is an answer to a pull.
func pulled(key string, ids ...string) *pubsubpb.PullResponse {
	out := &pubsubpb.PullResponse{}
	for _, id := range ids {
		out.ReceivedMessages = append(out.ReceivedMessages, &pubsubpb.ReceivedMessage{
			AckId: "ack" + id, Message: &pubsubpb.PubsubMessage{MessageId: id, OrderingKey: key},
		})
	}
	return out
}

// returned lists the ack ids that were given back, in their order.
func (i *interceptor) returned() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var ids []string
	for _, in := range i.calls {
		if m, ok := in.(*pubsubpb.ModifyAckDeadlineRequest); ok {
			ids = append(ids, m.GetAckIds()...)
		}
	}
	return ids
}

// failing answers every call of one method with an error.
func failing(method string, err error) func(any) (any, error) {
	return func(in any) (any, error) {
		if strings.Contains(fmt.Sprintf("%T", in), method+"Request") {
			return nil, err
		}
		return nil, nil
	}
}

// A server may hand out what comes behind a message that was given back.
func TestNothingIsReturnedBeforeWhatWasGivenBack(t *testing.T) {
	bubble(t, Options{}, &pubsubpb.Subscription{EnableMessageOrdering: true}, func(t *testing.T, b bench) {
		var answers []*pubsubpb.PullResponse
		b.api.on(func(in any) (any, error) {
			if _, ok := in.(*pubsubpb.PullRequest); !ok {
				return &emptypb.Empty{}, nil
			}
			next := answers[0]
			answers = answers[1:]
			return next, nil
		})
		answers = []*pubsubpb.PullResponse{pulled("k", "1"), pulled("k", "2", "3"), pulled("k", "2"), pulled("j", "9"), pulled("k", "1", "2")}
		receive := func() string {
			batch, err := b.Receive(t.Context(), 10)
			must(t, err)
			var ids []string
			for _, m := range batch {
				ids = append(ids, m.ID)
			}
			synctest.Wait()
			return strings.Join(ids, " ")
		}
		batch, err := b.Receive(t.Context(), 10)
		must(t, err)
		must(t, b.Settle(t.Context(), batch[0], deferredBy(time.Minute)))
		if got := receive(); got != "" {
			t.Errorf("received %q while 1 is hidden", got)
		}
		time.Sleep(time.Minute + time.Second)
		if got := receive(); got != "" {
			t.Errorf("received %q before 1", got)
		}
		if got := receive(); got != "9" {
			t.Errorf("received %q of another key, want 9", got)
		}
		if got := receive(); got != "1 2" {
			t.Errorf("received %q, want 1 2", got)
		}
		time.Sleep(time.Second)
		seconds, _ := b.api.deadlines()
		if !slices.Equal(seconds, []int{60, 60, 60, 0}) {
			t.Errorf("given back for %v s", seconds)
		}
	})
}

func TestKeyIsNotHeldBackForGood(t *testing.T) {
	bubble(t, Options{}, &pubsubpb.Subscription{EnableMessageOrdering: true}, func(t *testing.T, b bench) {
		b.order.ExpectFirst("k", "gone", time.Now(), b.grace())
		b.send(t, 1, "k")
		begun := time.Now()
		b.take(t, 1)
		if took := time.Since(begun); took < b.grace()-time.Second || took > 2*b.grace() {
			t.Errorf("let through after %v", took)
		}
	})
}
