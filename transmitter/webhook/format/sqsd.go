package format

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"carrier/message"
)

const (
	sqsdAgent  = "aws-sqsd/2.0"
	sqsdPrefix = "X-Aws-Sqsd-"
)

// sqsd returns the headers that the daemon of an Elastic Beanstalk worker environment sends (Developer
// Guide, "Elastic Beanstalk worker environments"). Attributes that no header can carry are left out;
// carrier's own headers have them all.
func sqsd(m *message.Message, attributes []message.Attribute) []Header {
	headers := []Header{
		{sqsdPrefix + "Msgid", url.PathEscape(m.ID)}, {sqsdPrefix + "Queue", url.PathEscape(m.Source)},
		{sqsdPrefix + "Receive-Count", strconv.Itoa(m.ReceiveCount)},
	}
	if !m.FirstReceived.IsZero() {
		headers = append(headers, Header{sqsdPrefix + "First-Received-At", m.FirstReceived.UTC().Format(time.RFC3339)})
	}
	if !m.Sent.IsZero() {
		headers = append(headers, Header{sqsdPrefix + "Sent-At", m.Sent.UTC().Format(time.RFC3339)})
	}
	for _, a := range attributes {
		name := sqsdName(a.Name)
		if name != "" && httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(a.Value) {
			headers = append(headers, Header{sqsdPrefix + name, a.Value})
		}
	}
	return headers
}

// sqsdName returns what follows the prefix in the name of the header for an attribute. It is empty for
// what the daemon keeps to itself: an attribute of its own, by the name, that has no header.
func sqsdName(attribute string) string {
	own, is := strings.CutPrefix(strings.ToLower(attribute), "beanstalk.sqsd.")
	if !is {
		return "Attr-" + attribute
	}
	switch own {
	case "path":
		return "Path"
	case "task_name":
		return "Taskname"
	case "scheduled_time":
		return "Scheduled-At"
	default:
		return ""
	}
}
