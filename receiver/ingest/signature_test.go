package ingest

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	reference "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"carrier/internal/standardwebhooks"
)

// signedBy returns the headers by which the specification's own library signs body.
func signedBy(t *testing.T, secret, id, body string, at time.Time) []string {
	t.Helper()
	library, err := reference.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := library.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return []string{"webhook-id: " + id, "webhook-timestamp: " + strconv.FormatInt(at.Unix(), 10), "webhook-signature: " + signature}
}

func TestSignedRequestsAreStoredAndOthersAreNot(t *testing.T) {
	secret, other := standardwebhooks.NewSecret(), standardwebhooks.NewSecret()
	private, public := standardwebhooks.NewKeyPair()
	asymmetric, err := standardwebhooks.ParseSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	withKey := signedBy(t, secret, "m", "body", now)
	withKey[2] = "webhook-signature: " + asymmetric.Sign("m", now, []byte("body"))
	good := signedBy(t, secret, "m", "body", now)
	for name, c := range map[string]struct {
		header []string
		status int
	}{
		"a signature":                            {good, 200},
		"a signature by ed25519":                 {withKey, 200},
		"the token alone":                        {[]string{"Authorization: Bearer t0ken"}, 200},
		"the token and a bad signature":          {append(signedBy(t, other, "m", "body", now), "Authorization: Bearer t0ken"), 200},
		"a signature and a bad token":            {append(signedBy(t, secret, "m", "body", now), "Authorization: Bearer other"), 200},
		"nothing":                                {nil, 401},
		"another token":                          {[]string{"Authorization: Bearer other"}, 401},
		"a signature by another key":             {signedBy(t, other, "m", "body", now), 401},
		"a signature of another body":            {signedBy(t, secret, "m", "other", now), 401},
		"a signature of six minutes ago":         {signedBy(t, secret, "m", "body", now.Add(-6*time.Minute)), 401},
		"a signature of the time in six minutes": {signedBy(t, secret, "m", "body", now.Add(6*time.Minute)), 401},
		"no id":                                  {good[1:], 401},
		"two ids":                                {append(signedBy(t, secret, "m", "body", now), "webhook-id: n"), 401},
		"no signature":                           {good[:2], 401},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, Options{Token: "t0ken", SigningKeys: secret + "," + public})
			a := send(t, r, "POST", "/", "body", c.header...)
			if c.status == 200 {
				a.id(t)
				wantStored(t, r, 1)
				return
			}
			a.problem(t, c.status)
			wantStored(t, r, 0)
		})
	}
}

func TestSignedRequestIsStoredOnceHoweverOftenItIsSent(t *testing.T) {
	secret := standardwebhooks.NewSecret()
	r := start(t, Options{SigningKeys: secret})
	header := signedBy(t, secret, "m", "body", time.Now())
	first := send(t, r, "POST", "/", "body", header...).id(t)
	again := send(t, r, "POST", "/", "body", header...)
	if again.id(t) != first || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("again: %v", again.Header)
	}
	// Whoever has listened can add what is not signed, and gets nothing by it.
	sent := send(t, r, "POST", "/", "body", append(header, "Idempotency-Key: another")...)
	if sent.id(t) != first {
		t.Error("another Idempotency-Key made it another message")
	}
	wantStored(t, r, 1)
}

func TestProducersKeyIsRotatedWithoutARestart(t *testing.T) {
	old, fresh := standardwebhooks.NewSecret(), standardwebhooks.NewSecret()
	file := filepath.Join(t.TempDir(), "keys")
	write := func(keys string) {
		if err := os.WriteFile(file, []byte(keys), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(old + "\n")
	var warnings []string
	r := start(t, Options{SigningFile: file, Warn: func(_, text string, _ error) { warnings = append(warnings, text) }})
	for _, step := range []struct {
		keys       string
		old, fresh int
		warned     int
	}{{old, 200, 401, 0}, {old + "," + fresh, 200, 200, 0}, {"broken", 200, 200, 1}, {fresh, 401, 200, 1}} {
		write(step.keys)
		for secret, status := range map[string]int{old: step.old, fresh: step.fresh} {
			if a := send(t, r, "POST", "/", "body", signedBy(t, secret, "m", "body", time.Now())...); a.StatusCode != status {
				t.Errorf("with %d bytes in the file: answered %d, want %d", len(step.keys), a.StatusCode, status)
			}
		}
		if len(warnings) != step.warned {
			t.Errorf("with %d bytes in the file: warnings are %q", len(step.keys), warnings)
		}
	}
}

func TestUnsignedBodyIsNotAskedFor(t *testing.T) {
	r := start(t, Options{SigningKeys: standardwebhooks.NewSecret()})
	w := dial(t, r)
	w.say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	w.hear(t).problem(t, 401)
}

func TestSigningKeysAreACredentialForAnOpenAddress(t *testing.T) {
	for name, c := range map[string]struct {
		options Options
		refused bool
	}{"keys": {Options{SigningKeys: standardwebhooks.NewSecret()}, false}, "none": {Options{}, true}, "bad keys": {Options{SigningKeys: "x"}, true}} {
		t.Run(name, func(t *testing.T) {
			c.options.Address, c.options.DataDir = "0.0.0.0:0", t.TempDir()
			r := newSingle(c.options)
			defer func() { _ = r.Close() }()
			if err := r.Open(t.Context()); (err != nil) != c.refused {
				t.Errorf("Open = %v", err)
			}
		})
	}
}
