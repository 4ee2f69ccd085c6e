//go:build otel

// Package oteltest is an OpenTelemetry collector for tests: it takes spans over OTLP/HTTP and keeps
// them. It has the build tag of what it tests.
package oteltest

import (
	"compress/gzip"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A Collector keeps the spans that are sent to it. Its methods are safe for concurrent use.
type Collector struct {
	t *testing.T
	// URL is what OTEL_EXPORTER_OTLP_ENDPOINT has to be.
	URL string
	// Certificate is what OTEL_EXPORTER_OTLP_CERTIFICATE has to be for a URL of https.
	Certificate string

	mu       sync.Mutex
	answers  func(*http.Request) int
	requests []*http.Request
	batches  []*tracepb.ResourceSpans
	raw      []byte
}

// New starts a collector that takes everything, until the test ends.
func New(t *testing.T) *Collector {
	t.Helper()
	return start(t, (*httptest.Server).Start)
}

// NewTLS is New over TLS. URL begins with https, and Certificate is the file to trust.
func NewTLS(t *testing.T) *Collector {
	t.Helper()
	return start(t, (*httptest.Server).StartTLS)
}

func start(t *testing.T, listen func(*httptest.Server)) *Collector {
	t.Helper()
	c := &Collector{t: t, answers: func(*http.Request) int { return http.StatusOK }}
	server := httptest.NewUnstartedServer(c)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	listen(server)
	t.Cleanup(server.Close)
	c.URL = server.URL
	if own := server.Certificate(); own != nil {
		c.Certificate = filepath.Join(t.TempDir(), "ca.pem")
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Raw})
		if err := os.WriteFile(c.Certificate, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// Answer has each request answered with the status that answers returns; spans are kept where it is
// 200. It may wait for the end of the request's context.
func (c *Collector) Answer(answers func(*http.Request) int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = answers
}

// ServeHTTP takes one request of an exporter.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	answers := c.answers
	c.mu.Unlock()
	body := c.read(r)
	if status := answers(r); status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	var request collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &request); err != nil || r.URL.Path != "/v1/traces" {
		c.t.Errorf("%s got no spans: %v", r.URL.Path, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, r)
	c.batches = append(c.batches, request.GetResourceSpans()...)
	c.raw = append(c.raw, body...)
}

// read is the body of r, uncompressed.
func (c *Collector) read(r *http.Request) []byte {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			c.t.Error(err)
			return nil
		}
		body = z
	}
	text, err := io.ReadAll(body)
	if err != nil {
		c.t.Error(err)
	}
	return text
}

// Spans are those that were taken, in the order in which they came.
func (c *Collector) Spans() []*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*tracepb.Span
	for _, batch := range c.batches {
		for _, of := range batch.GetScopeSpans() {
			all = append(all, of.GetSpans()...)
		}
	}
	return all
}

// Resource is what the first batch says of the process.
func (c *Collector) Resource() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.batches) == 0 {
		return nil
	}
	return Attributes(c.batches[0].GetResource().GetAttributes())
}

// Raw is everything that was taken, as it came.
func (c *Collector) Raw() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raw
}

// Header is the value of a header in the first request that was taken.
func (c *Collector) Header(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.requests) == 0 {
		return ""
	}
	return c.requests[0].Header.Get(name)
}

// Attributes are values by their keys, numbers as text.
func Attributes(of []*commonpb.KeyValue) map[string]string {
	all := map[string]string{}
	for _, a := range of {
		if s, ok := a.GetValue().GetValue().(*commonpb.AnyValue_StringValue); ok {
			all[a.GetKey()] = s.StringValue
		} else {
			all[a.GetKey()] = number(a.GetValue())
		}
	}
	return all
}

func number(v *commonpb.AnyValue) string { return strconv.FormatInt(v.GetIntValue(), 10) }
