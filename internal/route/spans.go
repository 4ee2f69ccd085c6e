package route

import (
	"carrier/config"
	"carrier/internal/tracing"
	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/webhook/format"
)

// spans is what makes a span of each attempt at place: the innermost layer around it. It is empty where
// no spans are made.
func (s site) spans(place string) []transmitter.Middleware {
	of := tracing.Attempts{Route: s.config.Name, Receiver: s.config.Receiver, Endpoint: place}
	if s.config.Webhook.Unwrap == config.SNS {
		of.Attributes = func(m *message.Message) []message.Attribute {
			_, attributes, _ := format.Unwrap(m.Body, m.Attributes)
			return attributes
		}
	}
	return s.tracer.Spans(of)
}
