package pubsub

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"carrier/receiver"
	"carrier/receiver/pubsub/api"
)

func TestErrorsHaveTheirClass(t *testing.T) {
	for code, want := range map[codes.Code]receiver.Class{
		codes.NotFound: receiver.NotFound, codes.PermissionDenied: receiver.Denied, codes.Unauthenticated: receiver.Credentials,
		codes.Unavailable: receiver.Network, codes.DeadlineExceeded: receiver.Network, codes.Internal: receiver.Network,
		codes.ResourceExhausted: receiver.Throttled, codes.InvalidArgument: receiver.Invalid,
		codes.FailedPrecondition: receiver.Invalid, codes.Unknown: receiver.Other,
	} {
		t.Run(code.String(), func(t *testing.T) {
			bubble(t, Options{}, nil, func(t *testing.T, b bench) {
				b.api.on(failing("Pull", status.Error(code, "no")))
				batch, err := b.Receive(t.Context(), 1)
				if code == codes.DeadlineExceeded {
					if err != nil || len(batch) != 0 {
						t.Errorf("Receive = %v: there was nothing within the time", err)
					}
					return
				}
				if receiver.ClassOf(err) != want || b.seen.Of("error receive "+string(want)) != 1 || b.seen.Of("call receive") != 1 {
					t.Errorf("Receive = %v of class %s, want %s; %v", err, receiver.ClassOf(err), want, b.seen.Counts(""))
				}
			})
			fake := pstest.NewServer()
			defer func() { must(t, fake.Close()) }()
			synctest.Test(t, func(t *testing.T) {
				b := benchOn(t, fake, Options{}, nil)
				b.api.on(failing("GetSubscription", status.Error(code, "no")))
				err := b.Open(t.Context())
				if code == codes.PermissionDenied {
					must(t, err) // it may still be good for consuming
				} else if receiver.ClassOf(err) != want {
					t.Errorf("Open = %v of class %s, want %s", err, receiver.ClassOf(err), want)
				}
			})
		})
	}
}

func TestHangingCallsEnd(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		b.api.on(func(any) (any, error) { time.Sleep(time.Minute); return nil, nil })
		begun := time.Now()
		if err := b.Settle(t.Context(), m, delivered()); receiver.ClassOf(err) != receiver.Network {
			t.Errorf("Settle = %v", err)
		}
		if took := time.Since(begun); took > api.CallTimeout+time.Second {
			t.Errorf("it took %v", took)
		}
		if batch, err := b.Receive(t.Context(), 1); err != nil || len(batch) != 0 {
			t.Errorf("Receive = %v", err)
		}
	})
}

func TestPermissionToConsumeIsEnough(t *testing.T) {
	fake := pstest.NewServer()
	defer func() { must(t, fake.Close()) }()
	synctest.Test(t, func(t *testing.T) {
		b := benchOn(t, fake, Options{}, &pubsubpb.Subscription{EnableMessageOrdering: true})
		b.api.on(failing("GetSubscription", status.Error(codes.PermissionDenied, "no")))
		must(t, b.Open(t.Context()))
		b.send(t, 1, "k")
		m := b.take(t, 1)[0]
		if m.Lease != receiver.FallbackLease || !m.Ordered || !m.Expires().After(time.Now().Add(receiver.FallbackLease-time.Second)) {
			t.Errorf("lease %v until %v, ordered %v", m.Lease, m.Expires(), m.Ordered)
		}
		if !b.seen.Warned("may not be read") {
			t.Errorf("warnings %q", b.seen.Warnings())
		}
		must(t, b.Settle(t.Context(), m, delivered()))
	})
}

func TestLeaseIsTheSubscriptionsUnlessConfigured(t *testing.T) {
	for name, c := range map[string]struct {
		own        int32
		configured time.Duration
		want       time.Duration
		calls      int
	}{
		"the subscription's own":        {77, 0, 77 * time.Second, 0},
		"longer":                        {10, 5 * time.Minute, 5 * time.Minute, 1},
		"shorter":                       {60, 20 * time.Second, 20 * time.Second, 0},
		"below what Pub/Sub allows":     {60, time.Second, 10 * time.Second, 0},
		"beyond it, and not in seconds": {60, 700*time.Second + 1, 600 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{AckDeadline: c.configured}, &pubsubpb.Subscription{AckDeadlineSeconds: c.own}, func(t *testing.T, b bench) {
				b.send(t, 1, "")
				m := b.take(t, 1)[0]
				if m.Lease != c.want || !m.Expires().Equal(time.Now().Add(c.want)) || b.seen.Of("call extend") != c.calls {
					t.Errorf("lease %v until %v after %d renewals", m.Lease, m.Expires(), b.seen.Of("call extend"))
				}
			})
		})
	}
}

func TestFailedLengtheningLeavesTheLeaseThereIs(t *testing.T) {
	bubble(t, Options{AckDeadline: time.Minute}, nil, func(t *testing.T, b bench) {
		b.api.on(failing("ModifyAckDeadline", status.Error(codes.Unavailable, "away")))
		b.send(t, 1, "")
		if m := b.take(t, 1)[0]; m.Lease != 10*time.Second || m.Expires().After(time.Now().Add(10*time.Second)) {
			t.Errorf("lease %v until %v", m.Lease, m.Expires())
		}
	})
}

func TestSenselessOptionsAreAnErrorAndNotAPanic(t *testing.T) {
	for name, o := range map[string]Options{
		"no subscription":       {Endpoint: "127.0.0.1:1", Project: "p"},
		"a subscription's path": {Endpoint: "127.0.0.1:1", Subscription: "subscriptions/s"},
		"no project":            {Endpoint: "127.0.0.1:1", Subscription: "s"},
		"an endpoint of FTP":    {Endpoint: "ftp://127.0.0.1", Subscription: "s", Project: "p"},
		"an endpoint of a path": {Endpoint: "http://127.0.0.1/x", Subscription: "s", Project: "p"},
		"an endpoint of none":   {Endpoint: "http://", Subscription: "s", Project: "p"},
	} {
		t.Run(name, func(t *testing.T) {
			r := New(o)
			if err := r.Open(t.Context()); receiver.ClassOf(err) != receiver.Invalid {
				t.Errorf("Open = %v of class %s", err, receiver.ClassOf(err))
			}
			must(t, r.Close())
		})
	}
}

func TestUnreachableServerIsNetwork(t *testing.T) {
	r := New(Options{Endpoint: "127.0.0.1:1", Subscription: "projects/p/subscriptions/s"})
	err := r.Open(t.Context())
	if receiver.ClassOf(err) != receiver.Network {
		t.Errorf("Open = %v of class %s, want network", err, receiver.ClassOf(err))
	}
}

func TestMissingCredentialsHaveTheirClass(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/at/all.json")
	r := New(Options{Subscription: "projects/p/subscriptions/s"})
	if err := r.Open(t.Context()); receiver.ClassOf(err) != receiver.Credentials {
		t.Errorf("Open = %v of class %s, want credentials", err, receiver.ClassOf(err))
	}
}

func TestMessageArrivesWithAllItIsKnownBy(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, b bench) {
		id, err := b.sub.Publish(&pubsubpb.PubsubMessage{
			Data: []byte{0, 0xff, '\n'}, OrderingKey: "k",
			Attributes: map[string]string{"b": "2", "a": "1", "Content-Type": "text/plain", "traceparent": "00-x"},
		})
		must(t, err)
		m := b.take(t, 1)[0]
		if m.ID != id || string(m.Body) != "\x00\xff\n" || m.ContentType != "text/plain" || m.Group != "k" || m.Ordered || m.Source != b.sub.Path {
			t.Errorf("message %+v", m)
		}
		if got := fmt.Sprint(m.Attributes); got != "[{Content-Type text/plain } {a 1 } {b 2 } {traceparent 00-x }]" {
			t.Errorf("attributes %s", got)
		}
	})
}

func TestReplayedMessageIsHandedOutAndCounted(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, b bench) {
		b.api.on(func(in any) (any, error) {
			if _, ok := in.(*pubsubpb.PullRequest); ok {
				return pulled("", "1"), nil
			}
			return nil, nil
		})
		for range 2 {
			m := b.take(t, 1)[0]
			if m.ReceiveCount != 1 {
				t.Errorf("receive count %d", m.ReceiveCount)
			}
			must(t, b.Settle(t.Context(), m, delivered()))
		}
		if n := b.seen.Of("duplicate " + duplicateAcknowledged); n != 1 {
			t.Errorf("%d duplicates counted, want 1", n)
		}
	})
}

func TestMemoryKeepsTheLatest(t *testing.T) {
	s := newDeliveryCounts(2)
	now := time.Now()
	s.note("a", now)
	s.note("b", now)
	s.note("a", now)
	s.note("c", now)
	if a, b := s.note("a", now).count, s.note("b", now).count; a != 3 || b != 1 || s.byID.Len() != 2 {
		t.Errorf("a came %d times, b %d, %d are kept", a, b, s.byID.Len())
	}
}

func TestCheckReportsWithoutTakingAMessage(t *testing.T) {
	fake := pstest.NewServer()
	defer func() { must(t, fake.Close()) }()
	synctest.Test(t, func(t *testing.T) {
		b := benchOn(t, fake, Options{}, nil)
		b.send(t, 1, "")
		report := func() string {
			var lines []string
			for _, f := range b.Check(t.Context(), time.Minute) {
				lines = append(lines, string(f.Level)+" "+f.Text)
			}
			return strings.Join(lines, "\n")
		}
		all := report()
		for _, want := range []string{"ok subscription projects/p/subscriptions/s", "ok ack deadline 10s, renewed", "warn the subscription has no dead-letter policy", "ok messages come in any order, at least once", "ok permission to consume"} {
			if !strings.Contains(all, want) {
				t.Errorf("no %q in\n%s", want, all)
			}
		}
		b.api.on(failing("ModifyAckDeadline", status.Error(codes.PermissionDenied, "no")))
		if all := report(); !strings.Contains(all, "fail permission to consume") {
			t.Error(all)
		}
		b.api.on(failing("GetSubscription", status.Error(codes.NotFound, "no")))
		if all := report(); !strings.Contains(all, "fail the subscription") {
			t.Error(all)
		}
		if n := fake.Messages()[0].Deliveries; n != 0 {
			t.Errorf("%d deliveries", n)
		}
	})
}

func TestNoMoreIsAskedForThanIsWanted(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, b bench) {
		var asked []int32
		b.api.on(func(in any) (any, error) {
			if pull, ok := in.(*pubsubpb.PullRequest); ok {
				asked = append(asked, pull.GetMaxMessages())
				return &pubsubpb.PullResponse{}, nil
			}
			return nil, nil
		})
		for _, limit := range []int{1, 7, 5000} {
			_, err := b.Receive(t.Context(), limit)
			must(t, err)
		}
		if fmt.Sprint(asked) != "[1 7 100]" {
			t.Errorf("asked for %v", asked)
		}
	})
}
