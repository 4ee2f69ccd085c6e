package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"

	"carrier/bench/control"
	"carrier/bench/engine"
)

// A netHTTP posts with net/http, tuned: as many idle connections as POSTs, no client on
// top of the transport, no compression, no timeout, no context, one set of headers for
// all requests, and every answer read to its end so that its connection is used again.
type netHTTP struct {
	transport *http.Transport
	url       *url.URL
	header    http.Header
}

// newNetHTTP posts over TLS where dir holds a certificate to trust.
func newNetHTTP(address string, clients int, dir string) (func() engine.Client, error) {
	n := &netHTTP{
		transport: &http.Transport{
			MaxIdleConns: clients, MaxIdleConnsPerHost: clients, DisableCompression: true,
		},
		url:    &url.URL{Scheme: "http", Host: address, Path: "/"},
		header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"bench"}},
	}
	if dir != "" {
		config, err := control.Trust(dir)
		if err != nil {
			return nil, err
		}
		n.url.Scheme, n.transport.TLSClientConfig = "https", config
	}
	return func() engine.Client { return n }, nil
}

func (n *netHTTP) Post(body []byte) (int, error) {
	response, err := n.transport.RoundTrip(&http.Request{
		Method: http.MethodPost, URL: n.url, Host: n.url.Host, Header: n.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	})
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode, err
}
