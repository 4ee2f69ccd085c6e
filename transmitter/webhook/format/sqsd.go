package format

import (
	"net/url"
	"strconv"
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
	for _, a := range attributes {
		if httpguts.ValidHeaderFieldName(a.Name) && httpguts.ValidHeaderFieldValue(a.Value) {
			headers = append(headers, Header{sqsdPrefix + "Attr-" + a.Name, a.Value})
		}
	}
	return headers
}
