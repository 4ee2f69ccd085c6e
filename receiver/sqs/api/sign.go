package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// A signer signs requests with the SDK's. It is safe for concurrent use.
type signer struct {
	mu     sync.Mutex
	secret string
	sdk    *v4.Signer
}

// of returns the SDK's signer for a secret. It keeps the key that it derives for an access key's
// id, so that another secret of the same id needs another signer.
func (s *signer) of(secret string) *v4.Signer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sdk == nil || s.secret != secret {
		s.secret, s.sdk = secret, v4.NewSigner()
	}
	return s.sdk
}

// sign returns the headers of a request for action that are its own, its signature among them.
func (s *signer) sign(ctx context.Context, t *requestTemplate, action string, r Request, identity aws.Credentials, at time.Time) (http.Header, error) {
	url := *t.request.URL
	req := &http.Request{
		Method: t.request.Method, URL: &url, Host: t.request.Host, ContentLength: int64(len(r.body)),
		Header: make(http.Header, len(t.request.Header)+4),
	}
	for name, values := range t.request.Header {
		req.Header[name] = values
	}
	req.Header[targetHeader] = []string{t.target + "." + action}
	err := s.of(identity.SecretAccessKey).SignHTTP(ctx, identity, req, r.hash, t.signingName, t.signingRegion, at)
	return req.Header, err
}
