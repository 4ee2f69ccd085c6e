// Package standardwebhooks signs webhooks and verifies their signatures as Standard Webhooks 1.0.0
// describes it: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
//
// What is signed is `id.timestamp.body`. A `whsec_` secret signs with HMAC-SHA256, whose signatures
// begin with `v1,`; a `whsk_` key signs with ed25519, whose signatures begin with `v1a,` and are
// verified with the `whpk_` key that belongs to it.
package standardwebhooks

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed request, as they are sent.
const (
	IDHeader        = "webhook-id"
	TimestampHeader = "webhook-timestamp"
	SignatureHeader = "webhook-signature"
)

// Tolerance is how far a timestamp may be from the clock of whoever verifies it, either way.
const Tolerance = 5 * time.Minute

// What the keys and the signatures begin with.
const (
	hmacPrefix    = "whsec_"
	privatePrefix = "whsk_"
	publicPrefix  = "whpk_"
	hmacVersion   = "v1,"
	ed25519Mark   = "v1a,"
)

const (
	// leastSecret and mostSecret bound an HMAC secret, in bytes (the specification's "Signature scheme").
	leastSecret = 24
	mostSecret  = 64
	// maxSignatures is how many signatures of one request are looked at. More than one is sent while
	// a key is rotated.
	maxSignatures = 16
)

// A Signer signs with all its keys. It is safe for concurrent use.
type Signer struct{ keys []func(content []byte) string }

// ParseSigner reads a comma-separated list of `whsec_` and `whsk_` keys; a `whsk_` key is the base64 of
// ed25519's 32-byte seed or 64-byte private key. Its error says which entry is wrong, counted from
// one, and how, and holds nothing of the key.
func ParseSigner(list string) (*Signer, error) {
	s := new(Signer)
	err := eachKey(list, func(entry string) error {
		key, err := parseSigning(entry)
		s.keys = append(s.keys, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Sign returns the value of the signature header: a signature by each key, separated by blanks. ID
// and body are signed as they are given, the time in whole seconds.
func (s *Signer) Sign(id string, at time.Time, body []byte) string {
	content := signed(id, strconv.FormatInt(at.Unix(), 10), body)
	signatures := make([]string, len(s.keys))
	for i, sign := range s.keys {
		signatures[i] = sign(content)
	}
	return strings.Join(signatures, " ")
}

// A Verifier accepts what any of its keys has signed. It is safe for concurrent use.
type Verifier struct{ keys []verifying }

// ParseVerifier reads a comma-separated list of `whsec_` and `whpk_` keys. Its error is as ParseSigner's.
func ParseVerifier(list string) (*Verifier, error) {
	v := new(Verifier)
	err := eachKey(list, func(entry string) error {
		key, err := parseVerifying(entry)
		v.keys = append(v.keys, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Why a request is not accepted.
var (
	ErrNotSigned = errors.New("the headers webhook-id, webhook-timestamp and webhook-signature are not all there, once each")
	ErrTimestamp = errors.New("the timestamp is no count of seconds, or more than five minutes from this machine's clock")
	ErrSignature = errors.New("no signature is by a key that is known")
)

// CheckTimestamp reports, as ErrTimestamp, a timestamp that is malformed or further than Tolerance from now.
func CheckTimestamp(timestamp string, now time.Time) error {
	seconds, err := strconv.ParseUint(timestamp, 10, 62)
	if err != nil || timestamp != strconv.FormatUint(seconds, 10) {
		return ErrTimestamp
	}
	if at := int64(seconds); at < now.Add(-Tolerance).Unix() || at > now.Add(Tolerance).Unix() {
		return ErrTimestamp
	}
	return nil
}

// Verify reports why a request with these headers and this body is not accepted: ErrNotSigned,
// ErrTimestamp or ErrSignature; nil if it is. How long it takes shows nothing of a secret.
func (v *Verifier) Verify(id, timestamp, signatures string, body []byte, now time.Time) error {
	if id == "" || timestamp == "" || signatures == "" {
		return ErrNotSigned
	}
	if err := CheckTimestamp(timestamp, now); err != nil {
		return err
	}
	content := signed(id, timestamp, body)
	for i, signature := range strings.Fields(signatures) {
		if i == maxSignatures {
			break
		}
		if v.accepts(content, signature) {
			return nil
		}
	}
	return ErrSignature
}

func (v *Verifier) accepts(content []byte, signature string) bool {
	for _, key := range v.keys {
		encoded, ours := strings.CutPrefix(signature, key.mark)
		if !ours {
			continue
		}
		decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err == nil && key.accepts(content, decoded) {
			return true
		}
	}
	return false
}

// signed is what a signature is made of.
func signed(id, timestamp string, body []byte) []byte {
	content := make([]byte, 0, len(id)+len(timestamp)+len(body)+2)
	content = append(append(content, id...), '.')
	content = append(append(content, timestamp...), '.')
	return append(content, body...)
}

// A verifying is one key that signatures are verified with.
type verifying struct {
	mark    string // what its signatures begin with
	accepts func(content, signature []byte) bool
}

func parseSigning(entry string) (func([]byte) string, error) {
	if encoded, ok := strings.CutPrefix(entry, privatePrefix); ok {
		key, err := parsePrivate(encoded)
		return func(content []byte) string {
			return ed25519Mark + base64.StdEncoding.EncodeToString(ed25519.Sign(key, content))
		}, err
	}
	secret, err := parseSecret(entry, privatePrefix)
	return func(content []byte) string {
		return hmacVersion + base64.StdEncoding.EncodeToString(sum(secret, content))
	}, err
}

func parseVerifying(entry string) (verifying, error) {
	if encoded, ok := strings.CutPrefix(entry, publicPrefix); ok {
		key, err := decode(encoded)
		if err == nil && len(key) != ed25519.PublicKeySize {
			err = fmt.Errorf("holds %d bytes, and an ed25519 public key has %d", len(key), ed25519.PublicKeySize)
		}
		return verifying{ed25519Mark, func(content, signature []byte) bool {
			return len(signature) == ed25519.SignatureSize && ed25519.Verify(key, content, signature)
		}}, err
	}
	secret, err := parseSecret(entry, publicPrefix)
	return verifying{hmacVersion, func(content, signature []byte) bool {
		return hmac.Equal(sum(secret, content), signature)
	}}, err
}

func sum(secret, content []byte) []byte {
	h := hmac.New(sha256.New, secret)
	_, _ = h.Write(content) // never fails
	return h.Sum(nil)
}
