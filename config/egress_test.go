package config

import (
	"strings"
	"testing"
)

func TestProxyIsAURLAndASecret(t *testing.T) {
	limits(t, "CARRIER_WEBHOOK_PROXY", nil,
		[]string{"http://proxy:3128", "https://u:p@proxy", "socks5://127.0.0.1:1080/"},
		[]string{"proxy:3128", "socks4://proxy", "http://", "http://proxy/path", "http://proxy?x=1", "http://proxy:99999", "ftp://proxy"})
	c := good(t, map[string]string{"CARRIER_WEBHOOK_PROXY": "http://user:hunter2@proxy"})
	var out strings.Builder
	if err := c.Write(&out); err != nil || strings.Contains(out.String(), "hunter2") || c.Routes[0].Webhook.ProxyURL().Host != "proxy" {
		t.Errorf("prints %s", out.String())
	}
	if u := good(t, nil).Routes[0].Webhook.ProxyURL(); u != nil {
		t.Errorf("without one it is %v", u)
	}
}

func TestLinkLocalEndpointIsAFaultUnlessAllowed(t *testing.T) {
	for _, name := range []string{"CARRIER_WEBHOOK_ENDPOINT", "CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT"} {
		limits(t, name, nil, []string{"http://127.0.0.1/", "http://[::1]/", "unix:///run/w.sock"},
			[]string{"http://169.254.169.254/", "http://[fe80::1]/", "https://[::ffff:100.100.100.200]:8443/"})
		good(t, map[string]string{name: "http://169.254.1.1/", "CARRIER_WEBHOOK_ALLOW_LINK_LOCAL": "true"})
	}
}

func TestRateIsANumberInATime(t *testing.T) {
	limits(t, "CARRIER_WEBHOOK_RATE_LIMIT", nil, []string{"100/s", "600/m", "1000/h"}, []string{"100", "0/s", "-1/s", "1.5/s", "1/d", "/s", "1/s/s"})
	for value, want := range map[string]float64{"": 0, "100/s": 100, "600/m": 10, "1800/h": 0.5} {
		if got := good(t, map[string]string{"CARRIER_WEBHOOK_RATE_LIMIT": value}).Routes[0].Webhook.RateLimit; got.PerSecond() != want || got.String() != value {
			t.Errorf("%q is %v a second, prints %q", value, got.PerSecond(), got)
		}
	}
}

func TestBreakerNeedsMoreFailuresThanThereAreMessagesAtOnce(t *testing.T) {
	for value, c := range map[string]struct {
		concurrency string
		want        int
	}{"": {"", 5}, "0": {"", 0}, "3": {"50", 3}} {
		if got := good(t, map[string]string{"CARRIER_WEBHOOK_BREAKER_FAILURES": value, "CARRIER_CONCURRENCY": c.concurrency}).Routes[0].Webhook.BreakerFailures; got != c.want {
			t.Errorf("%q is %d, want %d", value, got, c.want)
		}
	}
	if got := good(t, map[string]string{"CARRIER_CONCURRENCY": "50"}).Routes[0].Webhook.BreakerFailures; got != 50 {
		t.Errorf("with a concurrency of 50 it is %d", got)
	}
}

func TestReplayedRequestHasNoOtherForm(t *testing.T) {
	replay := map[string]string{"CARRIER_INGEST_REPLAY": "true"}
	limits(t, "CARRIER_WEBHOOK_FORMAT", replay, []string{"raw"}, []string{"cloudevents", "lambda", "xml"})
	limits(t, "CARRIER_UNWRAP", replay, []string{"none"}, []string{"sns"})
	limits(t, "CARRIER_WEBHOOK_FORMAT", nil, []string{"cloudevents", "sqsd", "pubsub-push", "lambda", "RAW"}, []string{"xml"})
	limits(t, "CARRIER_UNWRAP", nil, []string{"sns"}, []string{"sqs"})
}

func TestOnlyLambdasEventHoldsSeveralMessages(t *testing.T) {
	const name = "CARRIER_WEBHOOK_BATCH_SIZE"
	limits(t, name, map[string]string{"CARRIER_WEBHOOK_FORMAT": "lambda"}, []string{"1", "10", "1000"}, []string{"0", "1001"})
	limits(t, name, nil, []string{"1"}, []string{"2"})
	tokens := map[string]string{"CARRIER_WEBHOOK_FORMAT": "lambda", "CARRIER_WORKER_ADDRESS": "127.0.0.1:9020"}
	limits(t, name, tokens, []string{"1"}, []string{"2"})
	mixed := mailAndOrders(map[string]string{
		"CARRIER_WORKER_ADDRESS": "127.0.0.1:9020", "CARRIER_ROUTE_MAIL_TRANSMITTER": "pull",
		"CARRIER_ROUTE_ORDERS_EU_WEBHOOK_FORMAT": "lambda", "CARRIER_ROUTE_ORDERS_EU_WEBHOOK_BATCH_SIZE": "10",
	})
	if _, _, faults := load(t, mixed); faults != nil {
		t.Errorf("batches beside a route whose messages are asked for: %v", faults)
	}
	of := func(more map[string]string) map[string]string {
		more[name] = "10"
		return mailAndOrders(more)
	}
	for what, c := range map[string]struct {
		set   map[string]string
		sizes [2]int
	}{
		"one takes them":                  {of(map[string]string{"CARRIER_ROUTE_MAIL_WEBHOOK_FORMAT": "lambda"}), [2]int{10, 1}},
		"the other is asked for its own":  {of(map[string]string{"CARRIER_ROUTE_ORDERS_EU_TRANSMITTER": "pull"}), [2]int{1, 10}},
		"both take them":                  {of(map[string]string{"CARRIER_WEBHOOK_FORMAT": "lambda"}), [2]int{10, 10}},
		"one takes them and has its own":  {of(map[string]string{"CARRIER_ROUTE_MAIL_WEBHOOK_FORMAT": "lambda", "CARRIER_ROUTE_MAIL_WEBHOOK_BATCH_SIZE": "3"}), [2]int{3, 1}},
		"nobody takes them":               {of(map[string]string{}), [2]int{}},
		"the one that does not, says so":  {of(map[string]string{"CARRIER_ROUTE_MAIL_WEBHOOK_FORMAT": "lambda", "CARRIER_ROUTE_ORDERS_EU_WEBHOOK_BATCH_SIZE": "2"}), [2]int{}},
		"those that take them are tokens": {of(map[string]string{"CARRIER_ROUTE_MAIL_WEBHOOK_FORMAT": "lambda", "CARRIER_WORKER_ADDRESS": "127.0.0.1:9020"}), [2]int{}},
	} {
		t.Run(what, func(t *testing.T) {
			c2, _, faults := load(t, c.set)
			if (faults != nil) != (c.sizes == [2]int{}) {
				t.Fatalf("faults: %v", faults)
			}
			if got := [2]int{c2.Routes[0].Webhook.BatchSize, c2.Routes[1].Webhook.BatchSize}; faults == nil && got != c.sizes {
				t.Errorf("batches are of %v, want %v", got, c.sizes)
			}
		})
	}
}
