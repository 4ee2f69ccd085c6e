package api

import (
	"testing"
)

func TestQueueInAnotherRegionIsCalledThere(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	c := connect(t, Options{})
	for queueURL, want := range map[string]string{
		"https://sqs.eu-west-1.amazonaws.com/1/dead":        "https://sqs.eu-west-1.amazonaws.com/ for eu-west-1",
		"https://sqs.us-east-1.amazonaws.com/1/dead":        "https://sqs.us-east-1.amazonaws.com/ for us-east-1",
		"https://sqs.eusc-de-east-1.amazonaws.eu/1/dead":    "https://sqs.eusc-de-east-1.amazonaws.eu/ for eusc-de-east-1",
		"http://sqs.us-east-1.localhost.localstack.cloud/1": "https://sqs.eu-west-1.amazonaws.com/ for eu-west-1",
		"http://localhost:4566/1/dead":                      "https://sqs.eu-west-1.amazonaws.com/ for eu-west-1",
	} {
		there, err := c.InRegionOf(t.Context(), queueURL)
		must(t, err)
		if got := there.template.request.URL.String() + " for " + there.template.signingRegion; got != want {
			t.Errorf("%s is called at %s, want %s", queueURL, got, want)
		}
	}
}
