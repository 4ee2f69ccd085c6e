package api

import "testing"

func TestEndpointSaysWhetherCredentialsAreShown(t *testing.T) {
	for given, want := range map[string]endpoint{
		"":                                   {"pubsub.googleapis.com:443", true, true},
		"europe-west1-pubsub.googleapis.com": {"europe-west1-pubsub.googleapis.com:443", true, true},
		"https://pubsub.us-east1.rep.googleapis.com:443/": {"pubsub.us-east1.rep.googleapis.com:443", true, true},
		"http://pubsub.googleapis.com":                    {"pubsub.googleapis.com:443", true, true},
		"localhost:8085":                                  {"localhost:8085", false, false},
		"http://emulator:8085":                            {"emulator:8085", false, false},
		"https://pubsub.test":                             {"pubsub.test:443", true, false},
		"[::1]:8085":                                      {"[::1]:8085", false, false},
		"pubsub.googleapis.com.evil.test:1":               {"pubsub.googleapis.com.evil.test:1", false, false},
	} {
		if got, err := endpointFor(Options{Endpoint: given}); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", given, got, err, want)
		}
	}
	t.Setenv(emulatorVariable, "127.0.0.1:8085")
	if got, err := endpointFor(Options{}); err != nil || got != (endpoint{host: "127.0.0.1:8085"}) {
		t.Errorf("with %s: %+v, %v", emulatorVariable, got, err)
	}
}
