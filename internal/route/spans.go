package route

import (
	"carrier/config"
	"carrier/internal/tracing"
	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/webhook/format"
)

// spans is what makes a span of each attempt at endpoint: the innermost layer around it. It is empty
// where no spans are made.
func (r *Route) spans(endpoint string) []transmitter.Middleware {
	of := tracing.Attempts{Route: r.config.Name, Receiver: r.config.Receiver, Endpoint: endpoint}
	if r.config.Webhook.Unwrap == config.SNS {
		of.Attributes = func(m *message.Message) []message.Attribute {
			_, attributes, _ := format.Unwrap(m.Body, m.Attributes)
			return attributes
		}
	}
	return r.tracer.Spans(of)
}
