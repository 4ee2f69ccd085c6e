package webhook

import (
	"time"

	"carrier/internal/http1"
	"carrier/message"
	"carrier/transmitter/webhook/delay"
)

// later is the word of a worker that settles the message by its token.
const later = "later"

// A Token is what a worker needs to settle one message by itself. A nil one is none.
type Token struct {
	// Value is sent as X-Carrier-Token. It is no part of a signature.
	Value string
	// Hold is how long a worker may take that answers later and does not say how long; above zero.
	Hold time.Duration
	// Extension moves the deadline of the POST.
	Extension *http1.Extension
}

func (t *Token) appendTo(dst []byte) []byte {
	if t == nil {
		return dst
	}
	return appendHeader(dst, tokenHeader, t.Value)
}

func (t *Token) extension() *http1.Extension {
	if t == nil {
		return nil
	}
	return t.Extension
}

// within is what answers to a request with t mean.
func (t *Token) within(r rules) rules {
	if t != nil {
		r.hold = t.Hold
	}
	return r
}

// putOff is the outcome of an answer, by its status o, whose word is later: holds are the values of
// X-Carrier-Hold. Nobody who does not know of tokens takes it for more than a failure.
func putOff(o message.Outcome, holds []string, usual time.Duration) (message.Outcome, []string) {
	o.Verdict, o.Cause, o.Later = message.Retry, message.Failed, usual
	o.Reason = "worker answered later"
	if len(holds) == 0 {
		return o, nil
	}
	hold, err := delay.Hold(holds)
	switch {
	case err != nil:
		return o, []string{err.Error() + ": CARRIER_PULL_LEASE counts"}
	case hold > delay.LongestHold:
		o.Later = delay.LongestHold
		return o, []string{holdHeader + " is longer than 12h: 12h count"}
	}
	o.Later = hold
	return o, nil
}
