package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// longestAnswer is the most bytes that are read of a proxy's answer to CONNECT.
const longestAnswer = 16 << 10

// dialConnect asks an HTTP proxy for a tunnel with CONNECT (RFC 9110, section 9.3.6), for http and https
// endpoints alike: what the proxy says is then not taken for the worker's answer, and a proxy that
// refuses holds messages instead of rejecting them.
func (o Options) dialConnect(ctx context.Context, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", proxyAddress(o.Proxy))
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	tunnel, err := o.connect(ctx, c, address)
	if err == nil && stop() {
		return tunnel, nil
	}
	_ = c.Close()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, err
}

func (o Options) connect(ctx context.Context, c net.Conn, address string) (net.Conn, error) {
	if o.Proxy.Scheme == "https" {
		config := o.TLS()
		config.ServerName = o.Proxy.Hostname()
		config.NextProtos = []string{"http/1.1"}
		secured := tls.Client(c, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, &ProxyError{"the TLS handshake failed"}
		}
		c = secured
	}
	if _, err := io.WriteString(c, o.connectHead(address)); err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	r := bufio.NewReader(io.LimitReader(c, longestAnswer))
	resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect}) //nolint:bodyclose // a tunnel has no body; the connection is closed by whoever holds it
	switch {
	case err != nil:
		return nil, &ProxyError{"no complete answer to CONNECT"}
	case resp.StatusCode/100 != 2:
		return nil, &ProxyError{fmt.Sprintf("answered %d to CONNECT", resp.StatusCode)}
	case r.Buffered() > 0:
		return nil, &ProxyError{"sent bytes before it was asked for any"}
	}
	return c, nil
}

func (o Options) connectHead(address string) string {
	head := "CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\n"
	if user := o.Proxy.User; user != nil {
		password, _ := user.Password()
		head += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)) + "\r\n"
	}
	return head + "\r\n"
}
