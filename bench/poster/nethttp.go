package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
)

// A netHTTP posts with net/http, tuned: as many idle connections as POSTs, no client on
// top of the transport, no compression, no timeout, no context, one set of headers for
// all requests, and every answer read to its end so that its connection is used again.
type netHTTP struct {
	transport *http.Transport
	url       *url.URL
	header    http.Header
}

func newNetHTTP(address string, clients int) func() client {
	n := &netHTTP{
		transport: &http.Transport{
			MaxIdleConns: clients, MaxIdleConnsPerHost: clients, DisableCompression: true,
		},
		url:    &url.URL{Scheme: "http", Host: address, Path: "/"},
		header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"bench"}},
	}
	return func() client { return n }
}

func (n *netHTTP) post(body []byte) (int, error) {
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
