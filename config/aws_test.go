package config

import (
	"strings"
	"testing"
)

func TestBlanksInVariablesOfTheSDKAreFaults(t *testing.T) {
	sqs := map[string]string{"CARRIER_SQS_QUEUE_NAME": "q"}
	for name, value := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_SESSION_TOKEN": "hunter2",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN": "hunter2", "AWS_ENDPOINT_URL": "http://localhost:4566", "AWS_ENDPOINT_URL_SQS": "http://localhost:4566",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost:1/", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_PROFILE": "p",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token", "AWS_SHARED_CREDENTIALS_FILE": "/root/.aws/credentials", "AWS_USE_FIPS_ENDPOINT": "true",
	} {
		for _, bad := range []string{value + " ", value + "\t", value + "\n", value + "\r", " " + value, "\ufeff" + value, value + "\u00a0", value + "\u200b", value[:1] + "\n" + value[1:]} {
			t.Run(name, func(t *testing.T) {
				t.Setenv(name, bad)
				_, _, faults := load(t, sqs)
				if len(faults) != 1 || faults[0].Variable != name || !strings.Contains(faults[0].Want, "; it ") || strings.Contains(faults.Error(), "hunter2") {
					t.Errorf("%s=%q: faults %v", name, bad, faults)
				}
				if _, _, faults := load(t, map[string]string{"CARRIER_RECEIVER": "ingest"}); len(faults) != 0 {
					t.Errorf("%s=%q with another receiver: faults %v", name, bad, faults)
				}
			})
		}
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			if _, _, faults := load(t, sqs); len(faults) != 0 {
				t.Errorf("%s=%q: faults %v", name, value, faults)
			}
		})
	}
	for name, value := range map[string]string{"AWS_PROFILE": "my profile", "AWS_CA_BUNDLE": "/etc/my certs/ca.pem", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer x"} {
		t.Setenv(name, value)
		if _, _, faults := load(t, sqs); len(faults) != 0 {
			t.Errorf("%s=%q: faults %v", name, value, faults)
		}
	}
}
