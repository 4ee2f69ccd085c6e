package webhook

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"carrier/message"
	"carrier/transmitter/webhook/delay"
)

// wantedFields are the header fields that classify looks for, in lower case.
func wantedFields() []string { return []string{"retry-after", "x-carrier-action"} }

// rules say what statuses mean.
type rules struct {
	accepts   func(status int) bool // success
	permanent func(status int) bool // of 400 to 599, trying again is of no use
	// hold is how long a worker may take that answers later and does not say how long; zero where it
	// may not answer so.
	hold time.Duration
}

// classify turns the head of the worker's answer into its outcome, and says what was wrong with it,
// if anything. The status decides, by these rules, unless the worker's own word in X-Carrier-Action does: a word that
// nobody knows, or two of them, is a retry, since the worker did not say ack. The zero Action of a
// rejection by status is filled in by whoever knows the configuration.
func classify(status int, header http.Header, rules rules, now time.Time) (o message.Outcome, warnings []string) {
	o = byStatus(status, rules)
	words := said(header[actionHeader])
	switch {
	case len(words) == 0:
	case len(words) > 1:
		o = askedToRetry(o)
		warnings = append(warnings, actionHeader+" has more than one value: treated as retry")
	case words[0] == "ack":
		return message.Outcome{Verdict: message.Delivered, Status: o.Status, Code: o.Code}, nil
	case words[0] == "dead-letter":
		o.Verdict, o.Cause, o.Action = message.Rejected, 0, message.DeadLetter
		o.Reason = "worker asked for dead-letter"
		return o, nil
	case words[0] == later && rules.hold > 0 && status/100 == 2:
		return putOff(o, header[holdHeader], rules.hold)
	default:
		o = askedToRetry(o)
		warnings = append(warnings, oddWord(words[0], rules.hold)...)
	}
	if o.Verdict != message.Retry || len(header["Retry-After"]) == 0 {
		return o, warnings
	}
	after, err := delay.RetryAfter(header["Retry-After"], now)
	switch {
	case err != nil:
		return o, append(warnings, err.Error())
	case after > 0:
		o.Cause, o.Delay = message.Deferred, after
	}
	return o, warnings
}

// oddWord says what is wrong with a word that is taken for retry.
func oddWord(word string, hold time.Duration) []string {
	switch {
	case word == "retry":
		return nil
	case word == later && hold > 0:
		return []string{actionHeader + ": later came with a status that is no 2xx: treated as retry"}
	case word == later:
		return []string{actionHeader + ": later, but the message has no token (CARRIER_WORKER_ADDRESS): treated as retry"}
	default:
		return []string{actionHeader + " has an unknown value: treated as retry"}
	}
}

func askedToRetry(o message.Outcome) message.Outcome {
	o.Verdict, o.Cause, o.Reason = message.Retry, message.Failed, "worker asked for a retry"
	return o
}

// said returns the different words in a header's values, in lower case. A word that is repeated counts
// once.
func said(values []string) []string {
	var words []string
	for _, value := range values {
		for word := range strings.SplitSeq(value, ",") {
			word = strings.ToLower(strings.Trim(word, " \t"))
			if word != "" && !slices.Contains(words, word) {
				words = append(words, word)
			}
		}
	}
	return words
}

// byStatus is the outcome of a status alone.
func byStatus(status int, rules rules) message.Outcome {
	if rules.accepts(status) {
		return message.Outcome{Verdict: message.Delivered, Status: status, Code: "2xx"}
	}
	o := message.Outcome{
		Status: status,
		Code:   strconv.Itoa(status/100) + "xx",
		Reason: "worker answered " + strconv.Itoa(status),
	}
	switch {
	case status < 100 || status > 599:
		// Not HTTP; and nobody's metrics want a label for it.
		o.Cause, o.Code = message.Failed, codeError
	case status/100 == 2, status >= 400 && !rules.permanent(status):
		o.Cause = message.Failed
	default:
		o.Verdict = message.Rejected
	}
	return o
}

// isPermanent is what Options.Permanent is where nothing else was said.
func isPermanent(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status/100 == 4
}
