package config

import (
	"net/netip"
	"net/url"
	"slices"

	"carrier/internal/netaddr"
)

// ProxyURL is CARRIER_WEBHOOK_PROXY; nil where it is not set. It is as secret as the variable.
func (w WebhookOptions) ProxyURL() *url.URL {
	if w.Proxy.Reveal() == "" {
		return nil
	}
	u, _ := url.Parse(w.Proxy.Reveal())
	return u
}

// egress checks the proxy, and the addresses that may not be connected to.
func (k *check) egress(w WebhookOptions) {
	k.require("CARRIER_WEBHOOK_PROXY", w.Proxy.Reveal() == "" || isProxy(w.Proxy.Reveal()))
	for _, e := range []struct{ name, value string }{
		{"CARRIER_WEBHOOK_ENDPOINT", w.Endpoint}, {"CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT", w.HealthCheckEndpoint},
	} {
		u, err := url.Parse(e.value)
		if err != nil || w.AllowLinkLocal {
			continue
		}
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil && netaddr.IsLinkLocal(ip) {
			k.fault(e.name, "must not be a link-local or metadata address, unless CARRIER_WEBHOOK_ALLOW_LINK_LOCAL is true")
		}
	}
}

func isProxy(value string) bool {
	u, err := url.Parse(value)
	return err == nil && slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) && u.Hostname() != "" &&
		(u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" && schemed(value, "http https socks5")
}
