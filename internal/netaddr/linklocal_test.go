package netaddr

import (
	"net/netip"
	"testing"
)

func TestLinkLocalAddressesAreKnownInEveryForm(t *testing.T) {
	for address, want := range map[string]bool{
		"169.254.0.0": true, "169.254.169.254": true, "169.254.255.255": true, "::ffff:169.254.1.1": true, "64:ff9b::169.254.169.254": true,
		"fe80::1": true, "fe80::1%eth0": true, "febf:ffff::1": true, "fd00:ec2::254": true, "fd00:ec2::254%eth0": true,
		"100.100.100.200": true, "::ffff:100.100.100.200": true, "64:ff9b::100.100.100.200": true,
		"169.253.255.255": false, "169.255.0.0": false, "127.0.0.1": false, "::1": false, "10.0.0.1": false, "64:ff9b::10.0.0.1": false,
		"fec0::1": false, "fd00:ec2::253": false, "100.100.100.201": false, "224.0.0.1": false, "64:ff9b:1::a9fe:a9fe": false,
	} {
		if got := IsLinkLocal(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}
