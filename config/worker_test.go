package config

import "testing"

func TestPullHasItsOwnDefaults(t *testing.T) {
	for name, c := range map[string]struct {
		env         map[string]string
		address     string
		concurrency int
	}{
		"webhook":                    {map[string]string{}, "", 1},
		"pull":                       {map[string]string{"CARRIER_TRANSMITTER": "pull"}, "127.0.0.1:9020", 100},
		"stream, from SQS":           {map[string]string{"CARRIER_TRANSMITTER": "stream", "CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_SQS_RECEIVER_WORKERS": "5"}, "127.0.0.1:9020", 100},
		"a concurrency and a socket": {map[string]string{"CARRIER_TRANSMITTER": "pull", "CARRIER_CONCURRENCY": "7", "CARRIER_WORKER_ADDRESS": "unix:///run/w.sock"}, "unix:///run/w.sock", 7},
	} {
		t.Run(name, func(t *testing.T) {
			got := good(t, c.env)
			if got.Worker.Address != c.address || got.Routes[0].Concurrency != c.concurrency || !got.Routes[0].Readiness {
				t.Errorf("address %q, concurrency %d", got.Worker.Address, got.Routes[0].Concurrency)
			}
		})
	}
}

func TestWorkerAddressIsForThoseWhoMayReachIt(t *testing.T) {
	for name, c := range map[string]struct {
		env   map[string]string
		fault string // the variable
	}{
		"loopback":                  {map[string]string{"CARRIER_WORKER_ADDRESS": "[::1]:9020"}, ""},
		"a socket":                  {map[string]string{"CARRIER_WORKER_ADDRESS": "unix:///run/w.sock"}, ""},
		"every interface":           {map[string]string{"CARRIER_WORKER_ADDRESS": ":9020"}, "CARRIER_WORKER_ADDRESS"},
		"another machine's":         {map[string]string{"CARRIER_WORKER_ADDRESS": "10.0.0.1:9020"}, "CARRIER_WORKER_ADDRESS"},
		"a token guards it":         {map[string]string{"CARRIER_WORKER_ADDRESS": ":9020", "CARRIER_WORKER_TOKEN": "secret"}, ""},
		"a relative path":           {map[string]string{"CARRIER_WORKER_ADDRESS": "unix://w.sock"}, "CARRIER_WORKER_ADDRESS"},
		"a URL":                     {map[string]string{"CARRIER_WORKER_ADDRESS": "http://127.0.0.1:9020"}, "CARRIER_WORKER_ADDRESS"},
		"a host with a port":        {map[string]string{"CARRIER_WORKER_HOSTS": "carrier:80"}, "CARRIER_WORKER_HOSTS"},
		"a token with a line break": {map[string]string{"CARRIER_WORKER_TOKEN": "a\nb"}, "CARRIER_WORKER_TOKEN"},
		"a lease that is too long":  {map[string]string{"CARRIER_PULL_LEASE": "13h"}, "CARRIER_PULL_LEASE"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, faults := load(t, c.env)
			if c.fault == "" && len(faults) > 0 || c.fault != "" && (len(faults) != 1 || faults[0].Variable != c.fault) {
				t.Errorf("faults %v, want one of %q", faults, c.fault)
			}
		})
	}
}
