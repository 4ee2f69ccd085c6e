package values

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"carrier/internal/netaddr"
)

// IsLinkLocal reports whether the host of a URL is a link-local or metadata address.
func IsLinkLocal(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && netaddr.IsLinkLocal(ip)
}

// IsProxy reports whether value is the URL of a proxy that is spoken to.
func IsProxy(value string) bool {
	u, err := url.Parse(value)
	return err == nil && slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) && u.Hostname() != "" &&
		(u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" && HasScheme(value, "http https socks5")
}

// AreNATSServers reports whether value is a list of URLs of NATS servers; the scheme may be left out.
func AreNATSServers(value string) bool {
	for server := range strings.SplitSeq(value, ",") {
		server = strings.TrimSpace(server)
		if !regexp.MustCompile(`^(nats|tls|wss?)://`).MatchString(server) {
			if strings.Contains(server, "://") {
				return false
			}
			server = "nats://" + server
		}
		u, err := url.Parse(server)
		if err != nil || u.Hostname() == "" || u.Fragment != "" || u.Port() != "" && !IsPort(u.Port()) {
			return false
		}
	}
	return true
}
