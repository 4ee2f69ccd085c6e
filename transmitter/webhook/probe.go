package webhook

import (
	"context"
	"fmt"
	"time"

	"carrier/internal/http1"
)

// probeTimeout is how long a worker may take to accept a connection.
const probeTimeout = 2 * time.Second

// Probe reports whether messages could be posted: it makes a connection, TLS handshake included, and
// closes it. It returns within two seconds. Of an address that may not be connected to it reports
// nothing: messages are not held for it but rejected.
func (t *Transmitter) Probe(ctx context.Context) error {
	if err := t.connect(ctx); err != nil && !isRefusedAddress(err) {
		return fmt.Errorf("worker not reached: %s", inShort(err))
	}
	return nil
}

// Check is Probe for people: of an address that may not be connected to it reports that.
func (t *Transmitter) Check(ctx context.Context) error {
	if err := t.connect(ctx); err != nil {
		return fmt.Errorf("worker not reached: %s", inShort(err))
	}
	return nil
}

func (t *Transmitter) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return t.poster.client.Probe(ctx)
}

// HealthCheck returns a check that asks endpoint with GET and is content with any 2xx. It follows no
// redirect, trusts whom the Transmitter trusts, sends none of the operator's headers, and closes its
// connection each time. A check takes no longer than its context and the request timeout.
func (t *Transmitter) HealthCheck(endpoint Endpoint) func(context.Context) error {
	opts := clientOptions(endpoint, t.certificates, t.opts.Egress, 0)
	opts.IdleTimeout = 0
	client := http1.New(opts)
	head := []byte("GET " + targetOf(endpoint.path, endpoint.query) + " HTTP/1.1\r\n")
	head = appendHeader(head, "Host", endpoint.host)
	head = appendHeader(head, "User-Agent", t.builder.agent)
	if endpoint.authorization != "" {
		head = appendHeader(head, "Authorization", endpoint.authorization)
	}
	head = append(head, "Connection: close\r\n\r\n"...)
	return func(ctx context.Context) error {
		a, err := client.Do(ctx, http1.Request{Head: head, Deadline: time.Now().Add(t.opts.RequestTimeout)})
		switch {
		case a.Status == 0:
			return fmt.Errorf("health check: %s", inShort(err))
		case a.Status/100 != 2:
			return fmt.Errorf("health check: worker answered %d", a.Status)
		default:
			return nil
		}
	}
}
