package webhook

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"carrier/message"
)

// wantedFields are the header fields that classify looks for, in lower case.
func wantedFields() []string { return []string{"retry-after", "x-carrier-action"} }

// classify turns the head of the worker's answer into its outcome, and says what was
// wrong with it, if anything. The status decides, unless the worker's own word in
// X-Carrier-Action does. The zero Action of a rejection by status is filled in by
// whoever knows the configuration.
func classify(status int, header http.Header, now time.Time) (o message.Outcome, warnings []string) {
	o = byStatus(status)
	switch actionOf(header) {
	case "":
	case "ack":
		return message.Outcome{Verdict: message.Delivered, Status: o.Status, Code: o.Code}, nil
	case "dead-letter":
		o.Verdict, o.Cause, o.Action = message.Rejected, 0, message.DeadLetter
		o.Reason = "worker asked for dead-letter"
		return o, nil
	case "retry":
		o.Verdict, o.Cause = message.Retry, message.Failed
		o.Reason = "worker asked for a retry"
	default:
		warnings = append(warnings, actionHeader+" holds an unknown word")
	}
	if o.Verdict != message.Retry || len(header["Retry-After"]) == 0 {
		return o, warnings
	}
	delay, err := parseRetryAfter(header["Retry-After"][0], now)
	if err != nil {
		return o, append(warnings, err.Error())
	}
	o.Cause, o.Delay = message.Deferred, delay
	return o, warnings
}

// actionOf is the worker's own word, in lower case. Two different words are no word
// that anyone knows.
func actionOf(header http.Header) string {
	return strings.ToLower(strings.Trim(strings.Join(header[actionHeader], ","), " \t"))
}

// byStatus is the outcome of a status alone.
func byStatus(status int) message.Outcome {
	if status/100 == 2 {
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
	case status/100 == 5, status == http.StatusRequestTimeout,
		status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		o.Cause = message.Failed
	default:
		o.Verdict = message.Rejected
	}
	return o
}
