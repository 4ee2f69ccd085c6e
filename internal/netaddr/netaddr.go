// Package netaddr answers questions about the addresses that servers listen on.
package netaddr

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

const longestName = 253

var label = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)

// Listenable reports whether address is one that a server may be told to listen on: host:port or
// :port, where the host is an IP address (an IPv6 one in brackets, with a zone or without) or a
// name. Whether the host has such an address is not asked.
func Listenable(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	return host == "" || isIP(host) || isName(host)
}

// IsLoopback reports whether only this machine reaches a server that listens on address, which is
// host:port: the host is localhost, in any case, or a loopback IP address, with a zone or without.
// No name is looked up.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// isName reports whether host is a name that can be looked up. One whose last label is a number
// is not (RFC 1123, section 2.1): it is an IPv4 address with a mistake in it.
func isName(host string) bool {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, l := range labels {
		if !label.MatchString(l) {
			return false
		}
	}
	_, err := strconv.ParseUint(labels[len(labels)-1], 10, 64)
	return err != nil && len(host) <= longestName
}
