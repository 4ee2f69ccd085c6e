package api

import (
	"context"
	"errors"
	"net"
	"regexp"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// scope is what is asked for; what may be done with it is up to IAM.
const scope = "https://www.googleapis.com/auth/pubsub"

// detect finds the Application Default Credentials: the file that GOOGLE_APPLICATION_CREDENTIALS
// names, gcloud's own, workload identity, or the machine's service account. A service account's key
// signs its own tokens, and asks nobody for one.
func detect(o Options) (*auth.Credentials, error) {
	return credentials.DetectDefault(&credentials.DetectOptions{Scopes: []string{scope}, UseSelfSignedJWT: true, Client: o.TokenClient})
}

// projectOf returns the project that the credentials are of; empty where they do not say.
func projectOf(ctx context.Context, c *auth.Credentials) string {
	project, err := c.ProjectID(ctx)
	if err != nil {
		return ""
	}
	return project
}

// tokens gives gRPC a token for each call. They are kept, and renewed before they end, by the
// credentials themselves.
type tokens struct{ own *auth.Credentials }

// GetRequestMetadata returns the headers that show who calls.
func (t tokens) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := t.own.Token(ctx)
	if err != nil {
		return nil, tokenError(err)
	}
	headers := map[string]string{"authorization": "Bearer " + token.Value}
	if quota, err := t.own.QuotaProjectID(ctx); err == nil && quota != "" {
		headers["x-goog-user-project"] = quota
	}
	return headers, nil
}

// RequireTransportSecurity says that tokens are not for everybody's eyes.
func (tokens) RequireTransportSecurity() bool { return true }

// outOfOrder is how the token exchange, and the metadata server's client, tell of an answer that
// may be another one soon: in their errors there is no code.
var outOfOrder = regexp.MustCompile(`(status code|compute: Received) (429|5\d\d)\b`)

// tokenError tells a token that was refused from one that could not be asked for: in the first
// seconds of a pod its metadata service may not be up yet.
func tokenError(err error) error {
	var (
		answer  *auth.Error
		network net.Error
	)
	if errors.As(err, &answer) && answer.Temporary() ||
		errors.As(err, &network) || outOfOrder.MatchString(err.Error()) || errors.Is(err, context.DeadlineExceeded) {
		return status.Error(codes.Unavailable, "no token: "+err.Error())
	}
	return status.Error(codes.Unauthenticated, "no token: "+err.Error())
}
