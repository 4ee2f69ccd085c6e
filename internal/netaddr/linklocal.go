package netaddr

import "net/netip"

// IsLinkLocal reports whether ip reaches this machine's link or its cloud's metadata service: 169.254.0.0/16,
// fe80::/10, fd00:ec2::254 (AWS) and 100.100.100.200 (Alibaba Cloud), also as an IPv4-mapped address or
// behind the well-known NAT64 prefix 64:ff9b::/96 (RFC 6052).
func IsLinkLocal(ip netip.Addr) bool {
	ip = ip.WithZone("").Unmap()
	if nat64 := netip.MustParsePrefix("64:ff9b::/96"); nat64.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip.IsLinkLocalUnicast() || ip == netip.MustParseAddr("fd00:ec2::254") || ip == netip.MustParseAddr("100.100.100.200")
}
