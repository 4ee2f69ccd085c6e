package webhook

import (
	"fmt"
	"time"

	"carrier/internal/reload"
	"carrier/internal/secretfile"
	"carrier/internal/standardwebhooks"
)

// Signing says which keys sign every request by Standard Webhooks 1.0.0. The zero Signing signs
// nothing.
type Signing struct {
	// Keys is a comma-separated list of `whsec_` and `whsk_` keys, all of which sign.
	Keys string
	// File is where such a list is kept, in place of Keys. It is read again when it changes; while what
	// is in it cannot be used, the keys before stay in force.
	File string
}

// signing holds the keys that sign. A nil signing signs nothing.
type signing struct {
	signer *reload.Value[*standardwebhooks.Signer]
}

func openSigning(o Signing, warn func(messageID, what string)) (*signing, error) {
	if o.Keys == "" && o.File == "" {
		return nil, nil
	}
	failed := func(err error) {
		warn("", fmt.Sprintf("changed signing keys cannot be used; the previous ones stay in force: %v", err))
	}
	signer, err := reload.Open(o.load, failed, o.File)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	return &signing{signer}, nil
}

func (o Signing) load() (*standardwebhooks.Signer, error) {
	if o.File == "" {
		return standardwebhooks.ParseSigner(o.Keys)
	}
	keys, err := secretfile.Read(o.File)
	if err != nil {
		return nil, err
	}
	return standardwebhooks.ParseSigner(keys)
}

// appendTo appends the three headers of a request that is made at now with this body.
func (s *signing) appendTo(dst []byte, id string, now time.Time, body []byte) []byte {
	if s == nil {
		return dst
	}
	dst = appendHeader(dst, standardwebhooks.IDHeader, id)
	dst = appendNumber(dst, standardwebhooks.TimestampHeader, now.Unix())
	return appendHeader(dst, standardwebhooks.SignatureHeader, s.signer.Current().Sign(id, now, body))
}

// isSignature reports whether a header is one of the three. The name is folded.
func isSignature(name string) bool {
	return name == "Webhook-Id" || name == "Webhook-Timestamp" || name == "Webhook-Signature"
}
