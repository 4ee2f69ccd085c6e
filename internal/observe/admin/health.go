package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"

	"carrier/internal/httpapi"
)

const maxAnswer = 64 << 10

// Health asks /readyz of the admin port at address, as it is configured: an address that
// means every interface is asked on loopback. It asks for the route called route, or for the whole
// process where that is empty. It returns nil when the answer is 200, else why not. It waits until
// ctx ends.
func Health(ctx context.Context, address, route string) error {
	path := "/readyz"
	if route != "" {
		path += "?route=" + url.QueryEscape(route)
	}
	answer, err := get(ctx, address, path)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	if route != "" && answer.StatusCode == http.StatusNotFound {
		return fmt.Errorf("the carrier that runs has no route %q", route)
	}
	return unready(answer)
}

// Running reports whether a carrier answers at the admin port at address, alive or not.
func Running(ctx context.Context, address string) bool {
	answer, err := get(ctx, address, "/livez")
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	var alive status
	err = json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&alive)
	return answer.StatusCode == http.StatusOK && err == nil && alive.Status == live ||
		answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Content-Type") == "application/problem+json"
}

func get(ctx context.Context, address, path string) (*http.Response, error) {
	return request(ctx, address, http.MethodGet, path, nil, nil)
}

// request makes a request to the admin port at address. It waits until ctx ends.
func request(ctx context.Context, address, method, path string, header http.Header, body io.Reader) (*http.Response, error) {
	target, err := dialable(address)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+target+path, body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	// A transport of its own: no proxy, and nothing left open. The answer of whoever else
	// may have the port is not followed elsewhere.
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the admin port: %w", err)
	}
	return answer, nil
}

// dialable is where a server that listens on address can be reached from this host.
func dialable(address string) (string, error) {
	if address == "" {
		return "", errors.New("the admin port is turned off")
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("admin address: %w", err)
	}
	// A socket on [::] takes IPv4 as well.
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// unready puts the reasons in an answer into words.
func unready(answer *http.Response) error {
	var p httpapi.Problem
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&p); err != nil || len(p.Reasons) == 0 {
		return fmt.Errorf("not ready: status %d", answer.StatusCode)
	}
	return fmt.Errorf("not ready: %s", inOneLine(p.Reasons))
}
