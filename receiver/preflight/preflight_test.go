package preflight

import (
	"errors"
	"net"
	"testing"
	"time"

	"carrier/receiver"
)

func TestFindingSaysHowItIsToBeTaken(t *testing.T) {
	denied := &receiver.Error{Operation: "ack", Class: receiver.Denied, Err: errors.New("no")}
	for name, c := range map[string]struct{ got, want Finding }{
		"a failure has its class":               {Failed("the queue", denied), Finding{Fail, "the queue: ack: no (denied)"}},
		"a permission that is there":            {Permission("to ack", nil), Finding{OK, "to ack"}},
		"a complaint about the entry is a yes":  {Permission("to ack", &receiver.Error{Class: receiver.Invalid, Err: errors.New("id")}), Finding{OK, "to ack"}},
		"an entry that is no longer ours too":   {Permission("to ack", receiver.ErrLeaseLost), Finding{OK, "to ack"}},
		"a permission that is not there":        {Permission("to ack", denied), Finding{Fail, "to ack: ack: no (denied)"}},
		"a lease that is as long as an attempt": {LeaseFor(time.Minute, "lease", time.Minute), Finding{OK, "lease 1m0s"}},
		"a lease that is shorter":               {LeaseFor(time.Minute, "lease", time.Second), Finding{OK, "lease 1s, renewed while an attempt (1m0s at most) takes longer"}},
		"a notice":                              {Warnings([]Notice{{Text: "going on"}})[0], Finding{Warn, "going on"}},
		"a notice with its cause":               {Warnings([]Notice{{Text: "going on", Err: errors.New("no")}})[0], Finding{Warn, "going on: no"}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		})
	}
}

func TestAddressInUseIsNoFailureWhereACarrierRuns(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	used := l.Addr().String()
	for name, c := range map[string]struct {
		address string
		runs    bool
		want    Level
	}{
		"free":                             {"127.0.0.1:0", false, OK},
		"in use by the carrier that runs":  {used, true, OK},
		"in use by another":                {used, false, Fail},
		"not to be had, although one runs": {"192.0.2.1:80", true, Fail},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Listen(t.Context(), "address", c.address, c.runs); got.Level != c.want || HasFailed([]Finding{{OK, ""}, got}) != (c.want == Fail) {
				t.Errorf("got %q", got)
			}
		})
	}
}
