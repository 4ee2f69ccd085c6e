package route

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"carrier/config"
	"carrier/receiver/preflight"
)

// TestCheckFindsAnAddressThatMayNotBeConnectedTo: messages for it would be rejected, each of them.
// The rules of the configuration know such an address where it is literal alone, and are not asked.
func TestCheckFindsAnAddressThatMayNotBeConnectedTo(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c := config.Route{Transmitter: config.Webhook}
	c.Webhook.Endpoints = config.List{"http://" + l.Addr().String() + "/", "http://169.254.169.254/hook"}
	found := checkEnd(t.Context(), &c, "test")
	if len(found) != 2 || found[0].Level != preflight.OK || found[1].Level != preflight.Fail ||
		!strings.Contains(found[1].Text, "http://169.254.169.254/hook: ") || !strings.Contains(found[1].Text, "CARRIER_WEBHOOK_ALLOW_LINK_LOCAL") {
		t.Errorf("found %v", fmt.Sprint(found))
	}
}
