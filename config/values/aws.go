package values

const (
	file    = "a path"
	profile = "a profile's name"
)

// An SDKVariable is one that the AWS SDK reads.
type SDKVariable struct {
	Name   string
	Want   string // what it must be
	Secret bool
}

// NoBlanks reports whether no blank may be in the value anywhere.
func (v SDKVariable) NoBlanks() bool {
	// A scheme, as Bearer, stands before some of these tokens.
	return v.Want != file && v.Want != profile && v.Name != "AWS_CONTAINER_AUTHORIZATION_TOKEN"
}

// AWS lists the variables of the AWS SDK that calls to SQS depend on.
func AWS() []SDKVariable {
	const region, key, token, url = "a region, as eu-west-1", "a key", "a token", "a URL"
	return []SDKVariable{
		{"AWS_REGION", region, false}, {"AWS_DEFAULT_REGION", region, false},
		{"AWS_ACCESS_KEY_ID", key, true}, {"AWS_ACCESS_KEY", key, true},
		{"AWS_SECRET_ACCESS_KEY", key, true}, {"AWS_SECRET_KEY", key, true},
		{"AWS_SESSION_TOKEN", token, true}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN", token, true},
		{"AWS_ENDPOINT_URL", url, false}, {"AWS_ENDPOINT_URL_SQS", url, false}, {"AWS_ENDPOINT_URL_STS", url, false},
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url, false}, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", url, false},
		{"AWS_EC2_METADATA_SERVICE_ENDPOINT", url, false},
		{"AWS_ROLE_ARN", "a role's ARN", false}, {"AWS_PROFILE", profile, false},
		{"AWS_WEB_IDENTITY_TOKEN_FILE", file, false}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file, false},
		{"AWS_SHARED_CREDENTIALS_FILE", file, false}, {"AWS_CONFIG_FILE", file, false}, {"AWS_CA_BUNDLE", file, false},
		{"AWS_USE_FIPS_ENDPOINT", "true or false", false}, {"AWS_USE_DUALSTACK_ENDPOINT", "true or false", false},
	}
}
