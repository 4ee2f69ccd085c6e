package config

import (
	"fmt"
	"os"

	"carrier/config/values"
	"carrier/internal/redact"
)

// aws checks the variables of the AWS SDK that the SQS receiver depends on for what a Secret, a
// file or a copy leaves at an end. The SDK takes it for a part of the value: a region that nobody
// knows, a key that is refused.
func (k *check) aws() {
	if !k.config.Receives(SQS) {
		return
	}
	const region, key, token, url, file = "a region, as eu-west-1", "a key", "a token", "a URL", "a path"
	for _, v := range []struct {
		name, want string
		secret     bool
	}{
		{"AWS_REGION", region, false}, {"AWS_DEFAULT_REGION", region, false},
		{"AWS_ACCESS_KEY_ID", key, true}, {"AWS_ACCESS_KEY", key, true},
		{"AWS_SECRET_ACCESS_KEY", key, true}, {"AWS_SECRET_KEY", key, true},
		{"AWS_SESSION_TOKEN", token, true}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN", token, true},
		{"AWS_ENDPOINT_URL", url, false}, {"AWS_ENDPOINT_URL_SQS", url, false}, {"AWS_ENDPOINT_URL_STS", url, false},
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url, false}, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", url, false},
		{"AWS_EC2_METADATA_SERVICE_ENDPOINT", url, false},
		{"AWS_ROLE_ARN", "a role's ARN", false}, {"AWS_PROFILE", "a profile's name", false},
		{"AWS_WEB_IDENTITY_TOKEN_FILE", file, false}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file, false},
		{"AWS_SHARED_CREDENTIALS_FILE", file, false}, {"AWS_CONFIG_FILE", file, false}, {"AWS_CA_BUNDLE", file, false},
		{"AWS_USE_FIPS_ENDPOINT", "true or false", false}, {"AWS_USE_DUALSTACK_ENDPOINT", "true or false", false},
	} {
		value := os.Getenv(v.name)
		// A scheme, as Bearer, stands before some of these tokens.
		anywhere := v.want != file && v.want != "a profile's name" && v.name != "AWS_CONTAINER_AUTHORIZATION_TOKEN"
		what := values.Stray(value, anywhere)
		if what == "" {
			continue
		}
		shown := redact.Mark
		if !v.secret {
			shown = fmt.Sprintf("%q", harmless(value))
		}
		k.report.add(Fault{Variable: v.name, Value: shown, Want: "must be " + v.want + "; it " + what})
	}
}
