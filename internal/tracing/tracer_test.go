//go:build otel

package tracing_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"carrier/config"
	"carrier/config/otel"
	"carrier/internal/testkit/oteltest"
	"carrier/internal/tracing"
	"carrier/message"
	"carrier/transmitter"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
	parent  = "00-" + traceID + "-" + spanID + "-01"
)

// says is a worker that answers o.
type says message.Outcome

func (says) Ready(context.Context, int) (int, error) { return transmitter.Unlimited, nil }

func (s says) Transmit(context.Context, *message.Message) message.Outcome { return message.Outcome(s) }

// delivered is what a worker that accepts everything says.
func delivered() says {
	return says{Verdict: message.Delivered, Code: "2xx", Status: http.StatusOK}
}

// open is a tracer that sends to c, and the log it writes to. It is closed with the test, if it has not
// been before.
func open(t *testing.T, c *oteltest.Collector, env map[string]string) (*tracing.Tracer, *observer.ObservedLogs) {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	for name, value := range env {
		t.Setenv(name, value)
	}
	core, logged := observer.New(zap.InfoLevel)
	tracer, err := tracing.Open(tracing.Options{Settings: otel.Settings{Enabled: true}, Version: "1.2.3", Log: zap.New(core)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tracer.Close(stopped()) })
	return tracer, logged
}

// stopped is a context that has ended.
func stopped() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// transmit posts m to a worker that says o, with a span.
func transmit(t *testing.T, tracer *tracing.Tracer, of tracing.Attempts, o says, m *message.Message) {
	t.Helper()
	if got := transmitter.Wrap(o, tracer.Spans(of)...).Transmit(t.Context(), m); got != message.Outcome(o) {
		t.Errorf("the outcome has become %+v", got)
	}
}

func letter() *message.Message {
	return &message.Message{
		ID: "m-1", Source: "orders", Body: []byte("s3cret body"), ReceiveCount: 3,
		Attributes: []message.Attribute{{Name: "TraceParent", Value: parent}, {Name: "tracestate", Value: "k=v"}, {Name: "Key", Value: "s3cret value"}},
	}
}

// one is the only span that the tracer has sent once it is closed.
func one(t *testing.T, tracer *tracing.Tracer, c *oteltest.Collector) *tracepb.Span {
	t.Helper()
	tracer.Close(t.Context())
	all := c.Spans()
	if len(all) != 1 {
		t.Fatalf("%d spans were sent, want one", len(all))
	}
	return all[0]
}

func TestAnAttemptHasASpanThatSaysHowItWent(t *testing.T) {
	at := tracing.Attempts{Route: "mail", Receiver: config.SQS, Endpoint: "https://worker.example.com/hook"}
	for name, c := range map[string]struct {
		of     tracing.Attempts
		says   says
		status tracepb.Status_StatusCode
		text   string
		want   map[string]string
	}{
		"delivered": {of: at, says: delivered(), want: map[string]string{
			"messaging.system": "aws_sqs", "messaging.operation.name": "process", "messaging.operation.type": "process",
			"messaging.destination.name": "orders", "messaging.message.id": "m-1", "messaging.message.body.size": "11",
			"carrier.receive_count": "3", "carrier.route": "mail", "carrier.endpoint": "https://worker.example.com/hook",
			"server.address": "worker.example.com", "server.port": "443", "http.response.status_code": "200", "carrier.outcome": "delivered",
		}},
		"failed": {
			of: at, says: says{Cause: message.Failed, Code: "5xx", Status: 500, Reason: "worker answered 500"}, status: tracepb.Status_STATUS_CODE_ERROR, text: "worker answered 500",
			want: map[string]string{"carrier.outcome": "failed", "http.response.status_code": "500", "error.type": "500"},
		},
		"no answer in time": {
			of: at, says: says{Cause: message.Failed, Code: "timeout", Reason: "worker gave no answer in time"}, status: tracepb.Status_STATUS_CODE_ERROR, text: "worker gave no answer in time",
			want: map[string]string{"carrier.outcome": "failed", "http.response.status_code": "", "error.type": "timeout"},
		},
		"rejected": {
			of: at, says: says{Verdict: message.Rejected, Code: "4xx", Status: 404, Reason: "a \xff"}, status: tracepb.Status_STATUS_CODE_ERROR, text: "a \uFFFD",
			want: map[string]string{"carrier.outcome": "rejected", "error.type": "404"},
		},
		"answered later, which is no error": {
			of: at, says: says{Cause: message.Failed, Code: "2xx", Status: 202, Later: time.Minute, Reason: "worker answered later"},
			want: map[string]string{"carrier.outcome": "later", "http.response.status_code": "202", "error.type": ""},
		},
		"deferred, which is no error": {
			of: at, says: says{Cause: message.Deferred, Code: "5xx", Status: 503, Delay: time.Second, Reason: "worker asked for later"},
			want: map[string]string{"carrier.outcome": "deferred", "http.response.status_code": "503"},
		},
		"of a route without a name": {
			of: tracing.Attempts{Receiver: config.Ingest, Endpoint: "http://localhost:9000/"}, says: delivered(),
			want: map[string]string{"messaging.system": "carrier", "carrier.route": "", "server.address": "localhost", "server.port": "9000"},
		},
		"at a fallback": {of: tracing.Attempts{Route: "backup", Endpoint: "http://backup/"}, says: delivered(), want: map[string]string{
			"messaging.system": "", "carrier.route": "backup", "server.port": "80",
		}},
		"over a Unix socket": {
			of: tracing.Attempts{Receiver: config.PubSub, Endpoint: "unix:///run/worker.sock:/hook"}, says: delivered(),
			want: map[string]string{"messaging.system": "gcp_pubsub", "server.address": "/run/worker.sock", "server.port": ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			collector := oteltest.New(t)
			tracer, _ := open(t, collector, nil)
			transmit(t, tracer, c.of, c.says, letter())
			span := one(t, tracer, collector)
			got := oteltest.Attributes(span.GetAttributes())
			for key, want := range c.want {
				if got[key] != want {
					t.Errorf("%s is %q, want %q", key, got[key], want)
				}
			}
			if span.GetName() != "process orders" || span.GetKind() != tracepb.Span_SPAN_KIND_CONSUMER || span.GetEndTimeUnixNano() < span.GetStartTimeUnixNano() {
				t.Errorf("the span is %v", span)
			}
			if span.GetStatus().GetCode() != c.status || span.GetStatus().GetMessage() != c.text {
				t.Errorf("its status is %v, want %v %q", span.GetStatus(), c.status, c.text)
			}
		})
	}
}

// TestASpanIsLinkedToTheProducers: it begins a trace of its own.
func TestASpanIsLinkedToTheProducers(t *testing.T) {
	inside := func(*message.Message) []message.Attribute {
		return []message.Attribute{{Name: "traceparent", Value: parent}}
	}
	for name, c := range map[string]struct {
		m      *message.Message
		of     tracing.Attempts
		linked bool
	}{
		"by its attributes":                  {m: letter(), linked: true},
		"by the request it came as":          {m: &message.Message{Request: &message.Request{Header: http.Header{"Traceparent": {parent}}}}, linked: true},
		"by an envelope's attributes":        {m: &message.Message{}, of: tracing.Attempts{Attributes: inside}, linked: true},
		"not at all, where there is none":    {m: &message.Message{}},
		"not at all, where that is no trace": {m: &message.Message{Attributes: []message.Attribute{{Name: "traceparent", Value: "00-x"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			collector := oteltest.New(t)
			tracer, _ := open(t, collector, nil)
			transmit(t, tracer, c.of, delivered(), c.m)
			span := one(t, tracer, collector)
			links := span.GetLinks()
			if len(links) == 1 != c.linked {
				t.Fatalf("links %v", links)
			}
			if c.linked && (hex.EncodeToString(links[0].GetTraceId()) != traceID || hex.EncodeToString(links[0].GetSpanId()) != spanID) {
				t.Errorf("it is linked to %v", links[0])
			}
			if len(span.GetParentSpanId()) > 0 || hex.EncodeToString(span.GetTraceId()) == traceID {
				t.Errorf("it is within another trace: %v", span)
			}
		})
	}
}

func TestWhatWasNotPostedHasNoSpan(t *testing.T) {
	for name, o := range map[string]says{
		"worker not reached":  {Cause: message.Unreached, Code: "refused"},
		"rejected unposted":   {Verdict: message.Rejected, Reason: "not posted: link-local"},
		"the stop came first": {Reason: "not posted: stopping"},
	} {
		t.Run(name, func(t *testing.T) {
			collector := oteltest.New(t)
			tracer, _ := open(t, collector, nil)
			transmit(t, tracer, tracing.Attempts{}, o, letter())
			if tracer.Close(t.Context()); len(collector.Spans()) != 0 {
				t.Errorf("spans %v", collector.Spans())
			}
		})
	}
}

func TestNothingOfTheProducersIsInASpan(t *testing.T) {
	collector := oteltest.New(t)
	tracer, logged := open(t, collector, map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20s3cret"})
	transmit(t, tracer, tracing.Attempts{Endpoint: "http://localhost:9000"}, delivered(), letter())
	one(t, tracer, collector)
	if bytes.Contains(collector.Raw(), []byte("s3cret")) {
		t.Errorf("%q", collector.Raw())
	}
	if collector.Header("Authorization") != "Bearer s3cret" {
		t.Errorf("the header of OTEL_EXPORTER_OTLP_HEADERS is %q", collector.Header("Authorization"))
	}
	for _, line := range logged.All() {
		if strings.Contains(line.Message, "s3cret") {
			t.Error(line.Message)
		}
	}
}

func TestTheVariablesOfTheSDKCount(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want map[string]string // nil: no span is sent
	}{
		"none is set": {want: map[string]string{"service.name": "carrier", "service.version": "1.2.3", "telemetry.sdk.language": "go"}},
		"OTEL_SERVICE_NAME": {
			env:  map[string]string{"OTEL_SERVICE_NAME": "orders", "OTEL_RESOURCE_ATTRIBUTES": "service.name=mail,k8s.pod.name=p"},
			want: map[string]string{"service.name": "orders", "k8s.pod.name": "p", "service.version": "1.2.3"},
		},
		"OTEL_EXPORTER_OTLP_COMPRESSION":             {env: map[string]string{"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}, want: map[string]string{"service.name": "carrier"}},
		"OTEL_TRACES_SAMPLER, which samples nothing": {env: map[string]string{"OTEL_TRACES_SAMPLER": "always_off"}},
	} {
		t.Run(name, func(t *testing.T) {
			collector := oteltest.New(t)
			tracer, _ := open(t, collector, c.env)
			transmit(t, tracer, tracing.Attempts{}, delivered(), letter())
			tracer.Close(t.Context())
			got := collector.Resource()
			maps.DeleteFunc(got, func(key, _ string) bool { _, wanted := c.want[key]; return !wanted })
			if !maps.Equal(got, c.want) {
				t.Errorf("the process is %v, want %v", got, c.want)
			}
		})
	}
}

// TestSpansBeyondTheQueueAreDropped: a message never waits for one.
func TestSpansBeyondTheQueueAreDropped(t *testing.T) {
	collector := oteltest.New(t)
	goOn := make(chan struct{})
	collector.Answer(func(*http.Request) int {
		<-goOn
		return http.StatusOK
	})
	tracer, _ := open(t, collector, map[string]string{"OTEL_BSP_MAX_QUEUE_SIZE": "4"})
	for range 10 {
		transmit(t, tracer, tracing.Attempts{}, delivered(), letter())
	}
	if got, want := tracer.Counts(), (tracing.Counts{Overflowed: 6}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	close(goOn)
	tracer.Close(t.Context())
	if got, want := tracer.Counts(), (tracing.Counts{Overflowed: 6, Sent: 4}); got != want || len(collector.Spans()) != 4 {
		t.Errorf("%+v, want %+v; %d spans came", got, want, len(collector.Spans()))
	}
}

// TestACollectorThatHangsHoldsNoStopUp: what was not sent when the time is over is counted.
func TestACollectorThatHangsHoldsNoStopUp(t *testing.T) {
	collector := oteltest.New(t)
	collector.Answer(func(r *http.Request) int {
		<-r.Context().Done()
		return http.StatusOK
	})
	tracer, logged := open(t, collector, nil)
	for range 3 {
		transmit(t, tracer, tracing.Attempts{}, delivered(), letter())
	}
	tracer.Close(stopped())
	if got := tracer.Counts(); got.Sent != 0 || got.Refused != 3 {
		t.Errorf("%+v, want three that were not sent", got)
	}
	if n := logged.FilterMessage("spans were not sent before the end").Len(); n > 1 {
		t.Errorf("%d lines say so", n)
	}
}

func TestNoSpansAreMadeWhereNoneAreWanted(t *testing.T) {
	for name, s := range map[string]otel.Settings{
		"no endpoint":                {},
		"a variable that is no good": {Enabled: true, Unusable: "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf"},
	} {
		t.Run(name, func(t *testing.T) {
			tracer, err := tracing.Open(tracing.Options{Settings: s, Log: zap.NewNop()})
			if tracer != nil || err != nil || len(tracer.Spans(tracing.Attempts{})) != 0 {
				t.Errorf("%v, %v", tracer, err)
			}
			tracer.Close(t.Context())
		})
	}
}

// TestAMistakeInAVariableIsLogged: the SDK goes on with its default.
func TestAMistakeInAVariableIsLogged(t *testing.T) {
	for _, name := range []string{"OTEL_TRACES_SAMPLER", "OTEL_EXPORTER_OTLP_TIMEOUT"} {
		t.Run(name, func(t *testing.T) {
			collector := oteltest.New(t)
			tracer, logged := open(t, collector, map[string]string{name: "often"})
			transmit(t, tracer, tracing.Attempts{}, delivered(), letter())
			one(t, tracer, collector)
			if logged.Len() != 1 || !strings.HasPrefix(logged.All()[0].Message, "OpenTelemetry: ") {
				t.Errorf("the log says %v", logged.All())
			}
		})
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
