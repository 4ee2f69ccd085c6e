package webhook_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"carrier/internal/standardwebhooks"
	"carrier/message"
	"carrier/transmitter/webhook"
	"carrier/transmitter/webhook/format"
)

func TestTokenIsInEveryFormatAndNoPartOfTheSignature(t *testing.T) {
	secret := standardwebhooks.NewSecret()
	for _, f := range []format.Format{format.Raw, format.CloudEvents, format.SQSD, format.PubSubPush, format.Lambda} {
		t.Run(string(f), func(t *testing.T) {
			e, got := recording(t)
			tr := open(t, webhook.Options{Endpoint: e, Format: f, Signing: webhook.Signing{Keys: secret}})
			if r := deliver(t, tr, newMessage("m-1", "{}"), got); len(r.header["X-Carrier-Token"]) != 0 {
				t.Errorf("token %q where there is none", r.header["X-Carrier-Token"])
			}
			m := newMessage("m-1", "{}")
			m.Attributes = []message.Attribute{{Name: "X-Carrier-Token", Value: "forged"}}
			if o := tr.TransmitAs(t.Context(), m, &webhook.Token{Value: "t-1", Hold: time.Minute}); o.Verdict != message.Delivered || o.Later != 0 {
				t.Fatalf("outcome %+v", o)
			}
			r := <-got
			if tokens := r.header["X-Carrier-Token"]; len(tokens) != 1 || tokens[0] != "t-1" {
				t.Errorf("tokens %q", tokens)
			}
			if r.header.Del("X-Carrier-Token"); !verifies(t, r, secret) {
				t.Errorf("not verified without the token: %v", r.header)
			}
		})
	}
}

func TestReplayedRequestHasCarriersTokenAlone(t *testing.T) {
	e, got := recording(t)
	tr := open(t, webhook.Options{Endpoint: e, Replay: true})
	m := newMessage("m-1", "{}")
	m.Request = &message.Request{Method: "PUT", Path: "/a", Header: map[string][]string{"X-Carrier-Token": {"forged"}}}
	tr.TransmitAs(t.Context(), m, &webhook.Token{Value: "t-1", Hold: time.Minute})
	if r := <-got; fmt.Sprint(r.header["X-Carrier-Token"]) != "[t-1]" || r.method != "PUT" {
		t.Errorf("%s with tokens %q", r.method, r.header["X-Carrier-Token"])
	}
}

func TestLaterIsAnAnswerOfA2xxToAToken(t *testing.T) {
	const usual = 30 * time.Second
	for name, c := range map[string]struct {
		answer string // from the status on
		tokens bool
		later  time.Duration
		warned bool
	}{
		"202":                    {"202 Accepted\r\nX-Carrier-Hold: 15m\r\n", true, 15 * time.Minute, false},
		"no hold":                {"200 OK\r\n", true, usual, false},
		"a hold said twice":      {"200 OK\r\nX-Carrier-Hold: 1h\r\nX-Carrier-Hold: 1h\r\n", true, time.Hour, false},
		"two holds":              {"200 OK\r\nX-Carrier-Hold: 1h\r\nX-Carrier-Hold: 2h\r\n", true, usual, true},
		"a hold in words":        {"200 OK\r\nX-Carrier-Hold: soon\r\n", true, usual, true},
		"a hold without a unit":  {"200 OK\r\nX-Carrier-Hold: 900\r\n", true, usual, true},
		"a hold of nothing":      {"200 OK\r\nX-Carrier-Hold: 0s\r\n", true, usual, true},
		"a negative hold":        {"200 OK\r\nX-Carrier-Hold: -1m\r\n", true, usual, true},
		"a hold of twelve hours": {"200 OK\r\nX-Carrier-Hold: 12h\r\n", true, 12 * time.Hour, false},
		"a longer one":           {"200 OK\r\nX-Carrier-Hold: 13h\r\n", true, 12 * time.Hour, true},
		"without a token":        {"202 Accepted\r\n", false, 0, true},
		"500":                    {"500 Oops\r\n", true, 0, true},
		"404":                    {"404 Not Found\r\n", true, 0, true},
		"503 with Retry-After":   {"503 Busy\r\nRetry-After: 5\r\n", true, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			_, e := listenTCP(t, answeringOnce("HTTP/1.1 "+c.answer+"X-Carrier-Action: later\r\nContent-Length: 0\r\n\r\n"))
			var warnings []string
			tr := open(t, webhook.Options{Endpoint: e, Warn: func(_, what string) { warnings = append(warnings, what) }})
			var token *webhook.Token
			if c.tokens {
				token = &webhook.Token{Value: "t-1", Hold: usual}
			}
			o := tr.TransmitAs(t.Context(), newMessage("m-1", "{}"), token)
			if o.Verdict != message.Retry || o.Later != c.later || o.Reason == "" || o.Status == 0 {
				t.Errorf("outcome %+v, want it later by %v", o, c.later)
			}
			if (len(warnings) == 1) != c.warned || strings.Contains(fmt.Sprint(warnings), "soon") {
				t.Errorf("warnings %q", warnings)
			}
		})
	}
}
