package webhook

import (
	"errors"
	"strings"
	"time"

	"carrier/internal/http1"
	"carrier/message"
)

const (
	// later is the word of a worker that settles the message by its token.
	later = "later"
	// longestHold is the most time that it may ask for.
	longestHold = 12 * time.Hour
)

// A Token is what a worker needs to settle one message by itself. The zero Token is none.
type Token struct {
	// Value is sent as X-Carrier-Token. It is no part of a signature.
	Value string
	// Hold is how long a worker may take that answers later and does not say how long; above zero where
	// there is a Value.
	Hold time.Duration
	// Extension moves the deadline of the POST.
	Extension *http1.Extension
}

func (t Token) appendTo(dst []byte) []byte {
	if t.Value == "" {
		return dst
	}
	return appendHeader(dst, tokenHeader, t.Value)
}

// putOff is the outcome of an answer, by its status o, whose word is later: holds are the values of
// X-Carrier-Hold. Nobody who does not know of tokens takes it for more than a failure.
func putOff(o message.Outcome, holds []string, usual time.Duration) (message.Outcome, []string) {
	o.Verdict, o.Cause, o.Later = message.Retry, message.Failed, usual
	o.Reason = "worker answered later"
	if len(holds) == 0 {
		return o, nil
	}
	hold, err := parseHold(holds)
	switch {
	case err != nil:
		return o, []string{err.Error() + ": CARRIER_PULL_LEASE counts"}
	case hold > longestHold:
		o.Later = longestHold
		return o, []string{holdHeader + " is longer than 12h: 12h count"}
	}
	o.Later = hold
	return o, nil
}

var errHold = errors.New(holdHeader + " is no duration such as 15m")

// parseHold reads the values of X-Carrier-Hold. One that is repeated counts once.
func parseHold(values []string) (time.Duration, error) {
	value := strings.Trim(values[0], " \t")
	for _, other := range values[1:] {
		if strings.Trim(other, " \t") != value {
			return 0, errHold
		}
	}
	hold, err := time.ParseDuration(value)
	if err != nil || hold <= 0 {
		return 0, errHold
	}
	return hold, nil
}
