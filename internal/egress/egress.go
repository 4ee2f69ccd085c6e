// Package egress connects to the worker's endpoints: directly or through a proxy, and not to addresses
// that only this machine's surroundings should reach.
package egress

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"

	"golang.org/x/net/proxy"

	"carrier/internal/netaddr"
)

// Options says how connections are made. The zero Options connects directly, and to no link-local or
// metadata address.
type Options struct {
	// Proxy is the URL of a proxy, http, https or socks5, with a user and a password or without. Names
	// are looked up by the proxy, and it answers for the addresses that they stand for. Nil means
	// direct connections.
	Proxy *url.URL
	// TLS is the configuration of a connection to an https proxy; its ServerName is set anew.
	TLS func() *tls.Config
	// AllowLinkLocal lets connections go to the addresses of netaddr.IsLinkLocal.
	AllowLinkLocal bool
}

// A RefusedError is a connection that was not made, since its address is not allowed. Trying again is
// of no use.
type RefusedError struct{ Address string }

func (e *RefusedError) Error() string {
	return e.Address + " is a link-local or metadata address (CARRIER_WEBHOOK_ALLOW_LINK_LOCAL)"
}

// A ProxyError is a proxy that gave no connection. Its text holds nothing of the proxy's answer.
type ProxyError struct{ Reason string }

func (e *ProxyError) Error() string { return "proxy: " + e.Reason }

// Dial connects to address. A Unix socket is always connected to directly. It returns when ctx ends.
func (o Options) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := o.checkLiteral(network, address); err != nil {
		return nil, err
	}
	if o.Proxy == nil || network == "unix" {
		return (&net.Dialer{ControlContext: o.control}).DialContext(ctx, network, address)
	}
	if o.Proxy.Scheme == "socks5" {
		return o.dialSOCKS(ctx, address)
	}
	return o.dialConnect(ctx, address)
}

// checkLiteral refuses an address that is written as one: a proxy would be asked for it otherwise.
func (o Options) checkLiteral(network, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil || network == "unix" || o.AllowLinkLocal {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && netaddr.IsLinkLocal(ip) {
		return &RefusedError{host}
	}
	return nil
}

// control refuses a connection whose address is not allowed, after its name was looked up and before
// anything is sent.
func (o Options) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	return o.checkLiteral(network, address)
}

// dialSOCKS asks a SOCKS 5 proxy (RFC 1928) for a connection.
func (o Options) dialSOCKS(ctx context.Context, address string) (net.Conn, error) {
	var auth *proxy.Auth
	if user := o.Proxy.User; user != nil {
		password, _ := user.Password()
		auth = &proxy.Auth{User: user.Username(), Password: password}
	}
	reached := false
	dialer, err := proxy.SOCKS5("tcp", proxyAddress(o.Proxy), auth, forward(func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		reached = err == nil
		return c, err
	}))
	if err != nil {
		return nil, &ProxyError{"not usable"}
	}
	c, err := dialer.(proxy.ContextDialer).DialContext(ctx, "tcp", address)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case reached:
		return nil, &ProxyError{"the connection was refused"}
	default:
		return nil, fmt.Errorf("proxy: %w", err)
	}
}

// A forward is what connects to the SOCKS proxy.
type forward func(ctx context.Context, network, address string) (net.Conn, error)

// DialContext connects to the proxy.
func (f forward) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return f(ctx, network, address)
}

// Dial connects to the proxy; proxy.Dialer wants it, and nobody calls it.
func (f forward) Dial(network, address string) (net.Conn, error) {
	return f(context.Background(), network, address)
}

func proxyAddress(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
