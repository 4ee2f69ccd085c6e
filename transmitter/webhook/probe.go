package webhook

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// probeLimit is how long a worker on this machine may take to accept a connection.
const probeLimit = 2 * time.Second

// Probe reports whether the worker accepts connections: it makes one and closes it.
// It returns within two seconds.
func (t *Transmitter) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	conn, err := t.dialer.dial(ctx, "", "")
	if err != nil {
		return fmt.Errorf("worker not reached: %s", inShort(err))
	}
	return conn.Close()
}

// HealthCheck returns a check that asks endpoint with GET and is content with any 2xx.
// It follows no redirect, trusts whom the Transmitter trusts, sends none of the
// operator's headers, and uses a connection of its own each time.
func (t *Transmitter) HealthCheck(endpoint Endpoint) func(context.Context) error {
	d := &dialer{endpoint: endpoint, timeout: t.opts.RequestTimeout, certificates: t.dialer.certificates}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	client := &http.Transport{
		DialContext: d.dial, DialTLSContext: d.dialTLS, Protocols: protocols,
		DisableCompression: true, DisableKeepAlives: true, MaxResponseHeaderBytes: headLimit,
	}
	header := http.Header{"User-Agent": t.builder.fixed["User-Agent"]}
	if endpoint.authorization != "" {
		header["Authorization"] = []string{endpoint.authorization}
	}
	return func(ctx context.Context) error {
		req := &http.Request{
			Method: http.MethodGet,
			URL:    targetURL(endpoint),
			Host:   endpoint.host,
			Header: header.Clone(),
		}
		return check(client, req.WithContext(ctx))
	}
}

func check(client *http.Transport, req *http.Request) error {
	resp, err := client.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("health check: %s", inShort(err))
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, answerLimit)
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("health check: worker answered %d", resp.StatusCode)
	}
	return nil
}
