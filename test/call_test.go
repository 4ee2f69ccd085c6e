package test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A reply is an HTTP answer, read to its end; Status is 0 when there was none.
type reply struct {
	Status int
	Header http.Header
	Body   string
}

// call makes one request on a connection of its own.
func call(t *testing.T, method, url string, header ...string) reply {
	t.Helper()
	return send(t, method, url, "", header...)
}

// send is call with a body. header is names and values in turn.
func send(t *testing.T, method, url, body string, header ...string) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	must(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return reply{}
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(resp.Body)
	return reply{Status: resp.StatusCode, Header: resp.Header, Body: string(text)}
}
