package environment

import (
	"strings"
	"testing"
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
		"sqs.us-iso-east-1.c2s.ic.gov":                         "us-iso-east-1",
		"sqs.eusc-de-east-1.amazonaws.eu":                      "eusc-de-east-1",
		"localhost":                                            "",
		"sqs":                                                  "",
		"sqs.internal":                                         "",
		"127.0.0.1":                                            "",
		"":                                                     "",
	} {
		if got := RegionOf(host); got != want {
			t.Errorf("RegionOf(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestWhatBelongsToAWS(t *testing.T) {
	for host, want := range map[string]bool{
		"sqs.eu-west-1.amazonaws.com":                  true,
		"sqs.cn-north-1.amazonaws.com.cn":              true,
		"sqs.eu-west-1.api.aws":                        true,
		"sqs.us-iso-east-1.c2s.ic.gov":                 true,
		"vpce-1.sqs.us-isob-east-1.vpce.sc2s.sgov.gov": true,
		"sqs.eu-isoe-west-1.cloud.adc-e.uk":            true,
		"sqs.eusc-de-east-1.amazonaws.eu":              true,
		"vpce-1.sqs.eusc-de-east-1.vpce.amazonaws.eu":  true,
		"localhost": false,
		"sqs.us-east-1.localhost.localstack.cloud":      false,
		"sqs.us-iso-east-1.c2s.ic.gov.attacker.example": false,
		"sqs.us-east-1.corp.example":                    false,
		"elasticmq":                                     false,
		"":                                              false,
	} {
		if IsAWS(t.Context(), host) != want {
			t.Errorf("IsAWS(%q) = %v", host, !want)
		}
	}
}

func TestRegionAndEndpointInTheirOrder(t *testing.T) {
	fips := map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}
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
		"FIPS is off with a queue URL, with a notice": {
			o: Options{QueueURL: "https://sqs.eu-west-1.amazonaws.com/1/q"}, env: fips,
			region: "eu-west-1", endpoint: "https://sqs.eu-west-1.amazonaws.com", notice: "AWS_USE_FIPS_ENDPOINT has no effect on SQS: the endpoint is sqs.eu-west-1",
		},
		"and without one where the host is a FIPS endpoint": {
			o: Options{QueueURL: "https://sqs-fips.us-east-1.amazonaws.com/1/q"}, env: fips,
			region: "us-east-1", endpoint: "https://sqs-fips.us-east-1.amazonaws.com",
		},
		"dual stack is off with an endpoint, with a notice": {
			o: Options{Endpoint: "http://localhost:4566"}, env: map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"},
			region: "us-east-1", endpoint: "http://localhost:4566", notice: "AWS_USE_DUALSTACK_ENDPOINT has no effect",
		},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, c.env)
			found, err := Find(t.Context(), c.o)
			must(t, err)
			if found.Region != c.region || found.Endpoint != c.endpoint {
				t.Errorf("region %q, endpoint %q; want %q, %q", found.Region, found.Endpoint, c.region, c.endpoint)
			}
			var texts []string
			for _, n := range found.Notices {
				texts = append(texts, n.Text)
			}
			if all := strings.Join(texts, "\n"); !strings.Contains(all, c.notice) || c.notice == "" && (strings.Contains(all, "region") || strings.Contains(all, "effect")) {
				t.Errorf("notices = %q", all)
			}
		})
	}
}
