// Package credential knows which producers may store messages: those who send the bearer token, and
// those who sign their requests by Standard Webhooks. Either is enough.
package credential

import (
	"net/http"
	"time"

	"carrier/internal/httpapi"
	"carrier/internal/reload"
	"carrier/internal/secretfile"
	"carrier/internal/standardwebhooks"
)

// Options says which credentials are accepted. The zero Options asks for none.
type Options struct {
	// Token is the bearer token; empty where there is none.
	Token string
	// SigningKeys is a comma-separated list of `whsec_` and `whpk_` keys; SigningFile is where such a
	// list is kept, in place of it, and is read again when it changes. While what is in it cannot be
	// used, the keys before stay in force, and Warn is told.
	SigningKeys, SigningFile string
	Warn                     func(error)
}

// Asked reports whether a producer needs a credential.
func (o Options) Asked() bool { return o.Token != "" || o.Signed() }

// Signed reports whether signatures are accepted.
func (o Options) Signed() bool { return o.SigningKeys != "" || o.SigningFile != "" }

// A Checker looks at credentials. It is safe for concurrent use.
type Checker struct {
	options  Options
	verifier *reload.Value[*standardwebhooks.Verifier] // nil where signatures are not accepted
}

// Open reads the keys.
func Open(o Options) (*Checker, error) {
	if !o.Signed() {
		return &Checker{options: o}, nil
	}
	verifier, err := reload.Open(o.load, o.Warn, o.SigningFile)
	return &Checker{o, verifier}, err
}

func (o Options) load() (*standardwebhooks.Verifier, error) {
	if o.SigningFile == "" {
		return standardwebhooks.ParseVerifier(o.SigningKeys)
	}
	keys, err := secretfile.Read(o.SigningFile)
	if err != nil {
		return nil, err
	}
	return standardwebhooks.ParseVerifier(keys)
}

// A Credential is what one request's head has shown.
type Credential struct {
	// Token says that the Authorization header is carrier's own token.
	Token bool
	// ID is the signed webhook-id where the request is to be let in by its signature; it is the only
	// key then that the producer may give the message, since another one would let the same request be
	// stored again. Empty where no signature is needed.
	ID string

	timestamp, signatures string
}

// Head looks at the head of a request. It reports false where its body need not be read, since nothing
// in the head could let it in. The headers may be changed afterwards.
func (c *Checker) Head(r *http.Request) (Credential, bool) {
	if httpapi.HasBearer(r, c.options.Token) {
		return Credential{Token: true}, true
	}
	if c.verifier == nil {
		return Credential{}, c.options.Token == ""
	}
	found := Credential{
		ID:        single(r.Header, "Webhook-Id"),
		timestamp: single(r.Header, "Webhook-Timestamp"), signatures: single(r.Header, "Webhook-Signature"),
	}
	timely := standardwebhooks.CheckTimestamp(found.timestamp, time.Now()) == nil
	return found, timely && found.ID != "" && found.signatures != ""
}

// Body reports whether a request with this body may be stored. Found is what Head has returned.
func (c *Checker) Body(found Credential, body []byte) bool {
	if found.ID == "" {
		return true
	}
	return c.verifier.Current().Verify(found.ID, found.timestamp, found.signatures, body, time.Now()) == nil
}

// single is the value of a header that was sent once; empty otherwise.
func single(h http.Header, name string) string {
	if values := h[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}
