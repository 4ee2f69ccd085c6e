package standardwebhooks_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	reference "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"carrier/internal/standardwebhooks"
)

// The vector that the specification's own libraries are tested with.
const (
	secret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	id        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	body      = `{"test": 2432232314}`
	signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var at = time.Unix(1614265330, 0)

func signer(t testing.TB, list string) *standardwebhooks.Signer {
	t.Helper()
	s, err := standardwebhooks.ParseSigner(list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verifier(t testing.TB, list string) *standardwebhooks.Verifier {
	t.Helper()
	v, err := standardwebhooks.ParseVerifier(list)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPublishedVectorIsSignedAndVerified(t *testing.T) {
	if got := signer(t, secret).Sign(id, at, []byte(body)); got != signature {
		t.Errorf("signed %s, want %s", got, signature)
	}
	if err := verifier(t, secret).Verify(id, "1614265330", signature, []byte(body), at); err != nil {
		t.Errorf("verifying says %v", err)
	}
}

func TestReferenceLibraryAndWeAgree(t *testing.T) {
	secret, body, now := standardwebhooks.NewSecret(), []byte("\x00\xff body, with a comma"), time.Now()
	library, err := reference.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	h.Set("webhook-signature", signer(t, secret+","+standardwebhooks.NewSecret()).Sign(id, now, body))
	if err := library.Verify(body, h); err != nil {
		t.Errorf("the library does not accept our signature: %v", err)
	}
	theirs, err := library.Sign(id, now, body)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier(t, secret).Verify(id, h.Get("webhook-timestamp"), theirs, body, now); err != nil {
		t.Errorf("we do not accept the library's signature: %v", err)
	}
}

func TestAsymmetricSignatureIsEd25519OfIDTimestampAndBody(t *testing.T) {
	seed := bytes.Repeat([]byte{7}, ed25519.SeedSize)
	key := ed25519.NewKeyFromSeed(seed)
	want := "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(id+".1614265330."+body)))
	public := "whpk_" + base64.StdEncoding.EncodeToString(key[32:])
	for name, private := range map[string][]byte{"a seed": seed, "a seed with its public key": key} {
		t.Run(name, func(t *testing.T) {
			got := signer(t, "whsk_"+base64.StdEncoding.EncodeToString(private)).Sign(id, at, []byte(body))
			if got != want {
				t.Errorf("signed %s, want %s", got, want)
			}
			if err := verifier(t, public).Verify(id, "1614265330", got, []byte(body), at); err != nil {
				t.Errorf("verifying says %v", err)
			}
		})
	}
}

func TestNewKeysWorkTogether(t *testing.T) {
	private, public := standardwebhooks.NewKeyPair()
	signed := signer(t, private).Sign(id, at, []byte(body))
	if err := verifier(t, public).Verify(id, "1614265330", signed, []byte(body), at); err != nil {
		t.Errorf("the pair: %v", err)
	}
	if a, b := standardwebhooks.NewSecret(), standardwebhooks.NewSecret(); a == b {
		t.Error("the same secret was made twice")
	}
}

func TestEveryKeySigns(t *testing.T) {
	private, public := standardwebhooks.NewKeyPair()
	fresh := standardwebhooks.NewSecret()
	signed := signer(t, secret+", "+private+","+fresh).Sign(id, at, []byte(body))
	if words := strings.Fields(signed); len(words) != 3 || words[0] != signature || !strings.HasPrefix(words[1], "v1a,") {
		t.Errorf("signed %q", signed)
	}
	for _, key := range []string{secret, public, fresh} {
		if err := verifier(t, key).Verify(id, "1614265330", signed, []byte(body), at); err != nil {
			t.Errorf("%.6s: %v", key, err)
		}
	}
}

func TestWhatIsNotExactlyWhatWasSignedIsRefused(t *testing.T) {
	_, otherPublic := standardwebhooks.NewKeyPair()
	asymmetric := "v1a," + strings.TrimPrefix(signature, "v1,")
	for name, c := range map[string]struct {
		keys, id, timestamp, signatures, body string
		now                                   time.Time
		want                                  error
	}{
		"another body":                    {secret, id, "1614265330", signature, body + " ", at, standardwebhooks.ErrSignature},
		"another id":                      {secret, id + "x", "1614265330", signature, body, at, standardwebhooks.ErrSignature},
		"another time":                    {secret, id, "1614265331", signature, body, at, standardwebhooks.ErrSignature},
		"another key":                     {standardwebhooks.NewSecret(), id, "1614265330", signature, body, at, standardwebhooks.ErrSignature},
		"a key of the other kind":         {otherPublic, id, "1614265330", asymmetric, body, at, standardwebhooks.ErrSignature},
		"an HMAC as ed25519's":            {secret, id, "1614265330", asymmetric, body, at, standardwebhooks.ErrSignature},
		"a part of the signature":         {secret, id, "1614265330", signature[:20], body, at, standardwebhooks.ErrSignature},
		"an empty signature":              {secret, id, "1614265330", "v1,", body, at, standardwebhooks.ErrSignature},
		"sixteen others before the right": {secret, id, "1614265330", strings.Repeat("v1,AAAA ", 16) + signature, body, at, standardwebhooks.ErrSignature},
		"five minutes and a second late":  {secret, id, "1614265330", signature, body, at.Add(301 * time.Second), standardwebhooks.ErrTimestamp},
		"five minutes and a second early": {secret, id, "1614265330", signature, body, at.Add(-301 * time.Second), standardwebhooks.ErrTimestamp},
		"a time with a sign":              {secret, id, "+1614265330", signature, body, at, standardwebhooks.ErrTimestamp},
		"a time that begins with a zero":  {secret, id, "01614265330", signature, body, at, standardwebhooks.ErrTimestamp},
		"a time beyond all numbers":       {secret, id, "99999999999999999999", signature, body, at, standardwebhooks.ErrTimestamp},
		"no id":                           {secret, "", "1614265330", signature, body, at, standardwebhooks.ErrNotSigned},
		"no timestamp":                    {secret, id, "", signature, body, at, standardwebhooks.ErrNotSigned},
		"no signature":                    {secret, id, "1614265330", "", body, at, standardwebhooks.ErrNotSigned},
	} {
		t.Run(name, func(t *testing.T) {
			if err := verifier(t, c.keys).Verify(c.id, c.timestamp, c.signatures, []byte(c.body), c.now); !errors.Is(err, c.want) {
				t.Errorf("verifying says %v, want %v", err, c.want)
			}
		})
	}
}

func TestAnyKnownSignatureAmongOthersIsEnough(t *testing.T) {
	for name, signatures := range map[string]string{
		"of a version that is not known":  "v9,abcd " + signature,
		"that are broken":                 "v1,%%% v1 ,x v1a,AAAA " + signature,
		"five minutes before the clock":   signature,
		"fifteen by keys of other people": strings.Repeat("v1,AAAA ", 15) + signature,
	} {
		t.Run(name, func(t *testing.T) {
			now := at
			if strings.HasPrefix(name, "five") {
				now = at.Add(standardwebhooks.Tolerance)
			}
			if err := verifier(t, secret).Verify(id, "1614265330", signatures, []byte(body), now); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBadKeysAreNamedAndNotShown(t *testing.T) {
	good := standardwebhooks.NewSecret()
	mixed := append(bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)...)
	encoded := base64.StdEncoding.EncodeToString
	for name, c := range map[string]struct {
		list, want string
		verifying  bool
	}{
		"no prefix":                {good + ",hunter2hunter2", "key 2 of 2 does not begin with whsec_ or whsk_", false},
		"a key that verifies":      {"whpk_" + encoded(mixed[:32]), "key 1 of 1 does not begin with whsec_ or whsk_", false},
		"a key that signs":         {"whsk_" + encoded(mixed[:32]), "key 1 of 1 does not begin with whsec_ or whpk_", true},
		"a short secret":           {"whsec_" + encoded([]byte("hunter2")), "key 1 of 1 holds 7 bytes, and 24 to 64 are allowed", false},
		"a long secret":            {"whsec_" + encoded(bytes.Repeat([]byte{1}, 65)), "key 1 of 1 holds 65 bytes, and 24 to 64 are allowed", true},
		"no base64":                {"whsec_hunter2!!!!!!!!!!!!!!!!!!!!!!!!!", "key 1 of 1 is not base64 behind its prefix", false},
		"a short seed":             {"whsk_" + encoded(mixed[:31]), "key 1 of 1 holds 31 bytes, and an ed25519 key is a seed of 32 or a private key of 64", false},
		"halves of two keys":       {"whsk_" + encoded(mixed), "key 1 of 1 holds a private key whose second half is not the public key of its first", false},
		"a short public key":       {"whpk_" + encoded(mixed[:31]), "key 1 of 1 holds 31 bytes, and an ed25519 public key has 32", true},
		"an entry that is nothing": {good + ",", "key 2 of 2 does not begin with whsec_ or whsk_", false},
		"two faults":               {"x,y", "key 1 of 2 does not begin with whsec_ or whsk_\nkey 2 of 2 does not begin with whsec_ or whsk_", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := standardwebhooks.ParseSigner(c.list)
			if c.verifying {
				_, err = standardwebhooks.ParseVerifier(c.list)
			}
			if err == nil || err.Error() != c.want {
				t.Errorf("error is %v, want %s", err, c.want)
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	private, public := standardwebhooks.NewKeyPair()
	keys := verifier(f, secret+","+public)
	f.Add(id, "1614265330", signature, []byte(body))
	f.Add(id, "1614265330", signer(f, private).Sign(id, at, []byte(body)), []byte(body))
	f.Add("", "-1", "v1,, v1a,", []byte(nil))
	f.Fuzz(func(t *testing.T, id, timestamp, signatures string, body []byte) {
		if keys.Verify(id, timestamp, signatures, body, at) != nil {
			return
		}
		// What is accepted is signed: our own signature of the same content is among the words.
		seconds, err := strconv.ParseInt(timestamp, 10, 64)
		if err != nil {
			t.Fatalf("the timestamp %q was accepted", timestamp)
		}
		for word := range strings.FieldsSeq(signer(t, secret+","+private).Sign(id, time.Unix(seconds, 0), body)) {
			if strings.Contains(signatures, word) {
				return
			}
		}
		t.Fatalf("%q %q %q was accepted", id, timestamp, signatures)
	})
}

func FuzzKeys(f *testing.F) {
	private, public := standardwebhooks.NewKeyPair()
	f.Add(secret + "," + private)
	f.Add(public + ",whsec_====")
	f.Fuzz(func(t *testing.T, list string) {
		if s, err := standardwebhooks.ParseSigner(list); err == nil {
			_ = s.Sign(id, at, nil)
		}
		if v, err := standardwebhooks.ParseVerifier(list); err == nil {
			_ = v.Verify(id, "1614265330", "v1,AAAA v1a,AAAA", nil, at)
		}
	})
}
