package preflight

import (
	"errors"
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
		"a lease that is shorter":               {LeaseFor(time.Minute, "lease", time.Second), Finding{Warn, "lease 1s is shorter than one attempt may take (1m0s): it holds only as long as it is renewed"}},
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
