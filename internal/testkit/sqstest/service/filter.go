package service

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"carrier/internal/testkit/sqstest/shapes"
)

// A filter is what a receive asks to see of each message beside its body.
type filter struct{ systemNames, messageNames []string }

func (o Options) newFilter(in *shapes.ReceiveMessageIn) filter {
	f := filter{systemNames: in.AttributeNames, messageNames: in.MessageAttributeNames}
	if !o.OldAttributeNames {
		f.systemNames = slices.Concat(f.systemNames, in.MessageSystemAttributeNames)
	}
	return f
}

// system keeps the system attributes that were asked for by name, or all for "All".
func (f filter) system(attrs map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range attrs {
		if slices.Contains(f.systemNames, name) || slices.Contains(f.systemNames, "All") {
			out[name] = value
		}
	}
	return out
}

// message keeps the message attributes that were asked for by name, by prefix
// ("app.*"), or all for "All" and ".*".
func (f filter) message(attrs map[string]shapes.Attribute) map[string]shapes.Attribute {
	out := map[string]shapes.Attribute{}
	for name, a := range attrs {
		if slices.ContainsFunc(f.messageNames, func(want string) bool { return matches(want, name) }) {
			out[name] = a
		}
	}
	return out
}

func matches(want, name string) bool {
	prefix, wild := strings.CutSuffix(want, ".*")
	return want == name || want == "All" || wild && (prefix == "" || strings.HasPrefix(name, prefix+"."))
}

// system is what the service itself says of m. Times are milliseconds since the epoch.
func (m *stored) system(sender string) map[string]string {
	attrs := map[string]string{
		"SenderId":                         sender,
		"SentTimestamp":                    milliseconds(m.sent),
		"ApproximateReceiveCount":          strconv.Itoa(m.receives),
		"ApproximateFirstReceiveTimestamp": milliseconds(m.firstReceived),
	}
	for name, value := range map[string]string{
		"AWSTraceHeader": m.trace, "MessageGroupId": m.group, "MessageDeduplicationId": m.dedupID,
		"SequenceNumber": m.sequence, "DeadLetterQueueSourceArn": m.origin,
	} {
		if value != "" {
			attrs[name] = value
		}
	}
	return attrs
}

func milliseconds(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
