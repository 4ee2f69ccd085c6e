package standardwebhooks

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// NewSecret makes a `whsec_` secret of 32 random bytes.
func NewSecret() string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return hmacPrefix + base64.StdEncoding.EncodeToString(secret)
}

// NewKeyPair makes an ed25519 key pair: the `whsk_` key to sign with, which is the seed, and the
// `whpk_` key to verify with.
func NewKeyPair() (private, public string) {
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // never fails
	key := ed25519.NewKeyFromSeed(seed)
	verifying := key[ed25519.SeedSize:] // RFC 8032, section 5.1.5: the public key follows the seed
	return privatePrefix + base64.StdEncoding.EncodeToString(seed),
		publicPrefix + base64.StdEncoding.EncodeToString(verifying)
}

// eachKey calls parse for each entry of the list, and says of which one its error is.
func eachKey(list string, parse func(entry string) error) error {
	var faults []error
	entries := strings.Split(list, ",")
	for i, entry := range entries {
		if err := parse(strings.TrimSpace(entry)); err != nil {
			faults = append(faults, fmt.Errorf("key %d of %d %w", i+1, len(entries), err))
		}
	}
	return errors.Join(faults...)
}

// parseSecret reads an HMAC secret; other is what an entry of the other kind begins with here.
func parseSecret(entry, other string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(entry, hmacPrefix)
	if !ok {
		return nil, fmt.Errorf("does not begin with %s or %s", hmacPrefix, other)
	}
	secret, err := decode(encoded)
	if err == nil && (len(secret) < leastSecret || len(secret) > mostSecret) {
		err = fmt.Errorf("holds %d bytes, and %d to %d are allowed", len(secret), leastSecret, mostSecret)
	}
	return secret, err
}

// parsePrivate reads a seed, or a private key with the public one behind it.
func parsePrivate(encoded string) (ed25519.PrivateKey, error) {
	key, err := decode(encoded)
	if err != nil {
		return nil, err
	}
	switch len(key) {
	case ed25519.SeedSize:
		return ed25519.NewKeyFromSeed(key), nil
	case ed25519.PrivateKeySize:
		private := ed25519.PrivateKey(key)
		if !private.Equal(ed25519.NewKeyFromSeed(private.Seed())) {
			return nil, errors.New("holds a private key whose second half is not the public key of its first")
		}
		return private, nil
	}
	return nil, fmt.Errorf("holds %d bytes, and an ed25519 key is a seed of %d or a private key of %d",
		len(key), ed25519.SeedSize, ed25519.PrivateKeySize)
}

// decode reads standard base64, with its padding or without. The error holds nothing of what was read.
func decode(encoded string) ([]byte, error) {
	decoded, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(encoded, "="))
	if err != nil {
		return nil, errors.New("is not base64 behind its prefix")
	}
	return decoded, nil
}
