//go:build otel

package tracing

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"carrier/config"
	"carrier/message"
	"carrier/transmitter"
)

// Spans is what is wrapped around the endpoint that of tells of, innermost: a span of each attempt.
func (t *Tracer) Spans(of Attempts) []transmitter.Middleware {
	if t == nil {
		return nil
	}
	if of.Attributes == nil {
		of.Attributes = func(m *message.Message) []message.Attribute { return m.Attributes }
	}
	s := &spans{tracer: t.tracer, of: of, fixed: fixed(of)}
	return []transmitter.Middleware{func(next transmitter.Transmitter) transmitter.Transmitter {
		return &traced{Transmitter: next, spans: s}
	}}
}

// A traced is a transmitter whose attempts have spans.
type traced struct {
	transmitter.Transmitter
	spans *spans
}

// Transmit makes the span when the attempt is over: only then is it known whether there was one. The
// worker is not told of it; it gets the producer's trace.
func (t *traced) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	begin := time.Now()
	o := t.Transmitter.Transmit(ctx, m)
	if o.Code != "" && o.Cause != message.Unreached {
		t.spans.add(ctx, m, o, begin, time.Now())
	}
	return o
}

// spans are those of one endpoint.
type spans struct {
	tracer trace.Tracer
	of     Attempts
	fixed  []attribute.KeyValue
}

// add makes the span of one attempt: of a consumer that processes m, by OpenTelemetry's conventions for
// messaging. It begins a trace of its own, since ctx has no span, with a link to the producer's: a
// message that is tried for hours would keep the producer's trace open for as long. The sampler sees
// the link.
func (s *spans) add(ctx context.Context, m *message.Message, o message.Outcome, begin, end time.Time) {
	opts := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(begin),
		trace.WithAttributes(s.fixed...), trace.WithAttributes(ofMessage(m)...),
	}
	if producer := s.producer(ctx, m); producer.IsValid() {
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: producer}))
	}
	_, span := s.tracer.Start(ctx, "process "+text(m.Source), opts...)
	span.SetAttributes(ofOutcome(o)...)
	if o.Verdict != message.Delivered && o.Cause != message.Deferred && o.Later == 0 {
		span.SetStatus(codes.Error, text(o.Reason))
	}
	span.End(trace.WithTimestamp(end))
}

// producer is the span that m names: in its attributes, or in the request that it came as.
func (s *spans) producer(ctx context.Context, m *message.Message) trace.SpanContext {
	carried := propagation.HeaderCarrier{}
	for _, a := range s.of.Attributes(m) {
		for _, name := range []string{"traceparent", "tracestate"} {
			if strings.EqualFold(a.Name, name) {
				carried.Set(name, a.Value)
			}
		}
	}
	if len(carried) == 0 && m.Request != nil {
		carried = propagation.HeaderCarrier(m.Request.Header)
	}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(ctx, carried))
}

// system is what the conventions call the source of a receiver.
func system(receiver string) string {
	switch receiver {
	case config.SQS:
		return "aws_sqs"
	case config.PubSub:
		return "gcp_pubsub"
	case config.Ingest:
		return "carrier"
	default:
		return receiver
	}
}

// fixed are the attributes that all spans of an endpoint have.
func fixed(of Attempts) []attribute.KeyValue {
	all := []attribute.KeyValue{
		semconv.MessagingOperationName("process"), semconv.MessagingOperationTypeProcess,
		attribute.String("carrier.endpoint", of.Endpoint),
	}
	if of.Receiver != "" {
		all = append(all, semconv.MessagingSystemKey.String(system(of.Receiver)))
	}
	if of.Route != "" {
		all = append(all, attribute.String("carrier.route", of.Route))
	}
	u, err := url.Parse(of.Endpoint)
	if err != nil || u.Scheme == "unix" {
		socket, _, _ := strings.Cut(strings.TrimPrefix(of.Endpoint, "unix://"), ":")
		return append(all, semconv.ServerAddress(socket))
	}
	all = append(all, semconv.ServerAddress(u.Hostname()))
	return append(all, semconv.ServerPort(portOf(u)))
}

func portOf(u *url.URL) int {
	if n, err := strconv.Atoi(u.Port()); err == nil {
		return n
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}

// ofMessage are the attributes that say which message it is. Nothing of what the producer wrote is
// among them.
func ofMessage(m *message.Message) []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.MessagingDestinationName(text(m.Source)), semconv.MessagingMessageID(text(m.ID)),
		semconv.MessagingMessageBodySize(len(m.Body)), attribute.Int("carrier.receive_count", m.ReceiveCount),
	}
}

// ofOutcome are the attributes that say what the worker answered.
func ofOutcome(o message.Outcome) []attribute.KeyValue {
	if o.Later > 0 {
		return []attribute.KeyValue{attribute.String("carrier.outcome", "later"), semconv.HTTPResponseStatusCode(o.Status)}
	}
	all := []attribute.KeyValue{attribute.String("carrier.outcome", o.Label())}
	if o.Status != 0 {
		all = append(all, semconv.HTTPResponseStatusCode(o.Status))
	}
	switch {
	case o.Verdict == message.Delivered:
	case o.Status >= http.StatusBadRequest:
		all = append(all, semconv.ErrorTypeKey.String(strconv.Itoa(o.Status)))
	default:
		all = append(all, semconv.ErrorTypeKey.String(o.Code))
	}
	return all
}

// text is s as a span can carry it: one string that is no UTF-8 spoils the batch it is in.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
