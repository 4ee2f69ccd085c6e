package config

import (
	"strings"
	"testing"
	"time"
)

func onPubSub(t *testing.T, vars map[string]string) (Config, error) {
	t.Helper()
	with := map[string]string{"CARRIER_PUBSUB_SUBSCRIPTION": "projects/p/subscriptions/jobs"}
	for name, value := range vars {
		with[name] = value
	}
	environment(t, with)
	c, _, err := Load(all)
	return c, err
}

func TestDefaultsOfPubSub(t *testing.T) {
	t.Setenv("GOOGLE_CLOUD_PROJECT", "of-the-environment")
	c, err := onPubSub(t, map[string]string{"CARRIER_PUBSUB_ACK_DEADLINE": "11s"})
	if err != nil || c.Routes[0].RejectAction != Retry || c.Routes[0].MessageTimeout != 0 || c.Routes[0].Concurrency != 1 || c.Routes[0].PubSub.AckDeadline != 11*time.Second || c.Routes[0].PubSub.Project != "of-the-environment" {
		t.Errorf("%+v, %v", c, err)
	}
	t.Setenv("GOOGLE_CLOUD_PROJECT", "of-the-environment\n")
	if _, err := onPubSub(t, nil); err == nil || !strings.Contains(err.Error(), "GOOGLE_CLOUD_PROJECT=") {
		t.Errorf("a project with a line break: %v", err)
	}
	if c, _ := onPubSub(t, map[string]string{"CARRIER_PUBSUB_PROJECT": "mine"}); c.Routes[0].PubSub.Project != "mine" {
		t.Errorf("project %q", c.Routes[0].PubSub.Project)
	}
}

func TestFaultsOfPubSub(t *testing.T) {
	for name, value := range map[string]string{
		"CARRIER_PUBSUB_SUBSCRIPTION": "subscriptions/jobs",
		"CARRIER_PUBSUB_PROJECT":      "my project",
		"CARRIER_PUBSUB_ENDPOINT":     "http://host/path",
		"CARRIER_PUBSUB_ACK_DEADLINE": "9s",
		"CARRIER_REJECT_ACTION":       "dead-letter", // to nowhere
		"CARRIER_DEAD_LETTER_TOPIC":   "topics/dead",
	} {
		if _, err := onPubSub(t, map[string]string{name: value}); err == nil || !strings.HasPrefix(err.Error(), name+"=") {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
	if _, err := onPubSub(t, map[string]string{"CARRIER_PUBSUB_ACK_DEADLINE": "601s"}); err == nil {
		t.Error("an ack deadline of 601 s is taken")
	}
	for _, topic := range []string{"dead", "projects/p/topics/dead"} {
		c, err := onPubSub(t, map[string]string{"CARRIER_REJECT_ACTION": "dead-letter", "CARRIER_DEAD_LETTER_TOPIC": topic})
		if err != nil || c.Routes[0].PubSub.DeadLetterTopic != topic {
			t.Errorf("dead letters to %s: %q, %v", topic, c.Routes[0].PubSub.DeadLetterTopic, err)
		}
	}
	for _, good := range []string{"localhost:8085", "http://emulator:8085/", "https://pubsub.test", "europe-west1-pubsub.googleapis.com:443"} {
		if _, err := onPubSub(t, map[string]string{"CARRIER_PUBSUB_ENDPOINT": good}); err != nil {
			t.Error(err)
		}
	}
}
