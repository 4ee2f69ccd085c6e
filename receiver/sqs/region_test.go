package sqs

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"carrier/receiver"
)

func TestRegionIsReadOffTheHost(t *testing.T) {
	for host, want := range map[string]string{
		"sqs.eu-west-1.amazonaws.com":                          "eu-west-1",
		"sqs-fips.us-gov-west-1.amazonaws.com":                 "us-gov-west-1",
		"sqs.cn-north-1.amazonaws.com.cn":                      "cn-north-1",
		"sqs.eu-west-1.api.aws":                                "eu-west-1",
		"vpce-0a1b-2c3d.sqs.ap-southeast-2.vpce.amazonaws.com": "ap-southeast-2",
		"eu-west-1.queue.amazonaws.com":                        "eu-west-1",
		"queue.amazonaws.com":                                  "us-east-1",
		"sqs.us-east-2.localhost.localstack.cloud":             "us-east-2",
		"localhost":    "",
		"sqs":          "",
		"sqs.internal": "",
		"127.0.0.1":    "",
		"":             "",
	} {
		if got := regionOf(host); got != want {
			t.Errorf("regionOf(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestWhatBelongsToAWS(t *testing.T) {
	for host, want := range map[string]bool{
		"sqs.eu-west-1.amazonaws.com":              true,
		"sqs.cn-north-1.amazonaws.com.cn":          true,
		"sqs.eu-west-1.api.aws":                    true,
		"localhost":                                false,
		"sqs.us-east-1.localhost.localstack.cloud": false,
		"elasticmq":                                false,
	} {
		if isAWS(host) != want {
			t.Errorf("isAWS(%q) = %v", host, !want)
		}
	}
}

func TestRegionAndEndpointInTheirOrder(t *testing.T) {
	for name, c := range map[string]struct {
		o                Options
		env              map[string]string
		region, endpoint string
		notice           string
	}{
		"AWS_REGION, AWS's own endpoint": {
			env: map[string]string{"AWS_REGION": "eu-west-1"}, region: "eu-west-1",
		},
		"option before AWS_REGION": {
			o: Options{Region: "eu-west-3"}, env: map[string]string{"AWS_REGION": "eu-west-1"}, region: "eu-west-3",
		},
		"queue URL's own host": {
			o:      Options{QueueURL: "https://sqs.eu-west-1.amazonaws.com/1/q"},
			region: "eu-west-1", endpoint: "https://sqs.eu-west-1.amazonaws.com",
		},
		"endpoint before the queue URL": {
			o:      Options{QueueURL: "https://sqs.eu-west-1.amazonaws.com/1/q", Endpoint: "http://localhost:4566"},
			region: "us-east-1", endpoint: "http://localhost:4566",
		},
		"endpoint of the AWS configuration": {
			env:    map[string]string{"AWS_ENDPOINT_URL_SQS": "http://localhost:9324"},
			region: "us-east-1", endpoint: "http://localhost:9324",
		},
		"AWS_REGION before the host's, with a notice": {
			o: Options{Endpoint: "https://sqs.eu-west-1.amazonaws.com"}, env: map[string]string{"AWS_REGION": "us-east-2"},
			region: "us-east-2", endpoint: "https://sqs.eu-west-1.amazonaws.com", notice: "is in eu-west-1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			client, notices, err := connect(t.Context(), c.o.withDefaults())
			must(t, err)
			defer client.close()
			if client.region != c.region || client.endpoint != c.endpoint {
				t.Errorf("region %q, endpoint %q; want %q, %q", client.region, client.endpoint, c.region, c.endpoint)
			}
			if got := aws.ToString(client.api.Options().BaseEndpoint); got != c.endpoint {
				t.Errorf("the SDK calls %q, want %q", got, c.endpoint)
			}
			var texts []string
			for _, n := range notices {
				texts = append(texts, n.Text)
			}
			if all := strings.Join(texts, "\n"); !strings.Contains(all, c.notice) || c.notice == "" && strings.Contains(all, "region") {
				t.Errorf("notices = %q", all)
			}
		})
	}
}

func TestNoRegionAtAWSIsAClearError(t *testing.T) {
	_, _, err := connect(t.Context(), Options{QueueName: "q"}.withDefaults())
	if receiver.ClassOf(err) != receiver.Invalid || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("connect = %v", err)
	}
}
