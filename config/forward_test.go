package config

import (
	"errors"
	"strings"
	"testing"
)

// toSQS are the variables of a program that forwards to SQS, and more.
func toSQS(more map[string]string) map[string]string {
	vars := map[string]string{"CARRIER_TRANSMITTER": "forward", "CARRIER_FORWARD_TO": "sqs"}
	for name, value := range more {
		vars[name] = value
	}
	return vars
}

// loadAll is load where every receiver is built in.
func loadAll(t *testing.T, vars map[string]string) (Config, []string, Faults) {
	t.Helper()
	environment(t, vars)
	c, warnings, err := Load([]string{SQS, PubSub, NATS, Ingest})
	var faults Faults
	errors.As(err, &faults)
	return c, warnings, faults
}

func goodOfAll(t *testing.T, vars map[string]string) Config {
	t.Helper()
	c, _, faults := loadAll(t, vars)
	if len(faults) > 0 {
		t.Fatalf("faults: %v", faults)
	}
	return c
}

func TestReceiverIsNotInferredFromTheTargetsVariables(t *testing.T) {
	for name, c := range map[string]struct {
		vars             map[string]string
		receiver, target string
	}{
		"only a target":              {toSQS(map[string]string{"CARRIER_SQS_QUEUE_NAME": "q"}), "ingest", "sqs:q"},
		"the target by its own name": {toSQS(map[string]string{"CARRIER_FORWARD_SQS_QUEUE_NAME": "q"}), "ingest", "sqs:q"},
		"a source of another engine": {
			toSQS(map[string]string{"CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_NATS_STREAM": "s", "CARRIER_NATS_CONSUMER": "c"}), "nats", "sqs:q",
		},
		"a source of the same engine": {
			toSQS(map[string]string{"CARRIER_SQS_QUEUE_NAME": "a", "CARRIER_FORWARD_SQS_QUEUE_NAME": "b"}), "sqs", "sqs:b",
		},
		"a topic is no source": {
			map[string]string{"CARRIER_TRANSMITTER": "forward", "CARRIER_FORWARD_TO": "pubsub", "CARRIER_PUBSUB_TOPIC": "t-1", "CARRIER_PUBSUB_PROJECT": "p"},
			"ingest", "pubsub:t-1",
		},
		"a subscription is one": {
			map[string]string{
				"CARRIER_TRANSMITTER": "forward", "CARRIER_FORWARD_TO": "pubsub", "CARRIER_FORWARD_PUBSUB_TOPIC": "t-1",
				"CARRIER_PUBSUB_SUBSCRIPTION": "s-1", "CARRIER_PUBSUB_PROJECT": "p",
			},
			"pubsub", "pubsub:t-1",
		},
		"a store": {
			map[string]string{"CARRIER_INGEST_STORE": "queue", "CARRIER_FORWARD_TO": "nats", "CARRIER_NATS_SUBJECT": "orders.new"}, "ingest", "nats:orders.new",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := goodOfAll(t, c.vars).Routes[0]
			if r.Receiver != c.receiver || r.Target().String() != c.target || !r.Forwards() {
				t.Errorf("receiver %s, target %s, forwards %v; want %s and %s", r.Receiver, r.Target(), r.Forwards(), c.receiver, c.target)
			}
		})
	}
}

func TestFaultsOfForwarding(t *testing.T) {
	for name, c := range map[string]struct {
		vars map[string]string
		want string // how a fault begins
	}{
		"no target":      {map[string]string{"CARRIER_TRANSMITTER": "forward"}, "CARRIER_FORWARD_TO (not set): must be set"},
		"an odd target":  {map[string]string{"CARRIER_TRANSMITTER": "forward", "CARRIER_FORWARD_TO": "kafka"}, `CARRIER_FORWARD_TO="kafka": must be sqs, pubsub or nats`},
		"no queue":       {toSQS(nil), "CARRIER_FORWARD_SQS_QUEUE_URL (not set): must be set, or CARRIER_SQS_QUEUE_URL"},
		"two names":      {toSQS(map[string]string{"CARRIER_SQS_QUEUE_NAME": "a", "CARRIER_SQS_QUEUE_URL": "http://h/1/a"}), "CARRIER_SQS_QUEUE_URL"},
		"which of them?": {toSQS(map[string]string{"CARRIER_RECEIVER": "sqs", "CARRIER_SQS_QUEUE_NAME": "a"}), "CARRIER_FORWARD_SQS_QUEUE_URL (not set): must be set: messages come from sqs too"},
		"in a circle": {
			toSQS(map[string]string{"CARRIER_SQS_QUEUE_NAME": "a", "CARRIER_FORWARD_SQS_QUEUE_NAME": "a"}),
			`CARRIER_FORWARD_SQS_QUEUE_NAME="a": must be another queue`,
		},
		"replayed":      {toSQS(map[string]string{"CARRIER_SQS_QUEUE_NAME": "a", "CARRIER_INGEST_REPLAY": "true"}), `CARRIER_INGEST_REPLAY="true": must be false`},
		"a wildcard":    {map[string]string{"CARRIER_TRANSMITTER": "forward", "CARRIER_FORWARD_TO": "nats", "CARRIER_FORWARD_NATS_SUBJECT": "a.>"}, "CARRIER_FORWARD_NATS_SUBJECT"},
		"a store alone": {map[string]string{"CARRIER_INGEST_STORE": "queue"}, "CARRIER_FORWARD_TO (not set)"},
		"an odd store":  {map[string]string{"CARRIER_INGEST_STORE": "disk"}, `CARRIER_INGEST_STORE="disk": must be file, queue or queue+file`},
		"store, webhook": {
			map[string]string{"CARRIER_INGEST_STORE": "queue", "CARRIER_TRANSMITTER": "webhook", "CARRIER_FORWARD_TO": "sqs", "CARRIER_SQS_QUEUE_NAME": "a"},
			`CARRIER_TRANSMITTER="webhook": must be forward with CARRIER_INGEST_STORE=queue`,
		},
		"a store without a door": {
			map[string]string{"CARRIER_INGEST_STORE": "queue", "CARRIER_RECEIVER": "sqs", "CARRIER_SQS_QUEUE_NAME": "a"},
			`CARRIER_INGEST_STORE="queue": needs exactly one route with the ingest receiver`,
		},
		"a store with two doors": {
			map[string]string{"CARRIER_ROUTES": "a,b", "CARRIER_INGEST_STORE": "queue+file", "CARRIER_FORWARD_TO": "sqs", "CARRIER_SQS_QUEUE_NAME": "q"},
			`CARRIER_INGEST_STORE="queue+file": needs exactly one route`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, faults := loadAll(t, c.vars)
			for _, f := range faults {
				if strings.HasPrefix(f.String(), c.want) {
					return
				}
			}
			t.Errorf("faults:\n%v\nwant one that begins with %s", faults, c.want)
		})
	}
}

func TestAnOddStoreIsOneFault(t *testing.T) {
	_, _, faults := loadAll(t, map[string]string{"CARRIER_INGEST_STORE": "disk"})
	if len(faults) != 1 {
		t.Errorf("faults:\n%v\nwant the one of the store", faults)
	}
}

func TestRouteMayStandBesideTheDoorOfAQueue(t *testing.T) {
	c := goodOfAll(t, map[string]string{
		"CARRIER_ROUTES": "door,orders", "CARRIER_INGEST_STORE": "queue", "CARRIER_FORWARD_TO": "sqs", "CARRIER_SQS_QUEUE_NAME": "q",
		"CARRIER_ROUTE_ORDERS_SQS_QUEUE_NAME": "q",
	})
	door, orders := c.Routes[0], c.Routes[1]
	if door.Receiver != Ingest || !door.Forwards() || orders.Receiver != SQS || orders.Forwards() {
		t.Errorf("door %s %s, orders %s %s", door.Receiver, door.Transmitter, orders.Receiver, orders.Transmitter)
	}
}

func TestDefaultsOfForwardingAreThoseOfNoWorker(t *testing.T) {
	r := goodOfAll(t, toSQS(map[string]string{"CARRIER_SQS_QUEUE_NAME": "q"})).Routes[0]
	if r.Concurrency != forwardConcurrency || r.Retry.MaxAttempts != 0 {
		t.Errorf("concurrency %d, attempts %d", r.Concurrency, r.Retry.MaxAttempts)
	}
	r = goodOfAll(t, toSQS(map[string]string{"CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_CONCURRENCY": "3", "CARRIER_RETRY_MAX_ATTEMPTS": "7"})).Routes[0]
	if r.Concurrency != 3 || r.Retry.MaxAttempts != 7 {
		t.Errorf("concurrency %d, attempts %d, which were set to 3 and 7", r.Concurrency, r.Retry.MaxAttempts)
	}
}

func TestCredentialsAreNotShownToServersThatOnlyForwardNames(t *testing.T) {
	vars := map[string]string{
		"CARRIER_TRANSMITTER": "forward", "CARRIER_FORWARD_TO": "nats", "CARRIER_NATS_URL": "nats://a", "CARRIER_NATS_TOKEN": "s3cret",
		"CARRIER_FORWARD_NATS_SUBJECT": "x",
	}
	if token := goodOfAll(t, vars).Routes[0].Target().NATS.Token.Reveal(); token != "s3cret" {
		t.Errorf("token %q to the same servers", token)
	}
	vars["CARRIER_FORWARD_NATS_URL"] = "nats://b"
	if token := goodOfAll(t, vars).Routes[0].Target().NATS.Token.Reveal(); token != "" {
		t.Errorf("token %q to others", token)
	}
}

func TestVariablesOfTheTargetHaveAnEffect(t *testing.T) {
	_, warnings, faults := loadAll(t, toSQS(map[string]string{"CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_SQS_ENDPOINT": "http://localhost:1"}))
	if len(warnings) != 0 || len(faults) != 0 {
		t.Errorf("warnings %q, faults %v", warnings, faults)
	}
	_, warnings, _ = loadAll(t, map[string]string{"CARRIER_FORWARD_SQS_QUEUE_NAME": "q"})
	if len(warnings) != 1 || !strings.Contains(warnings[0], "CARRIER_FORWARD_SQS_QUEUE_NAME: has no effect") {
		t.Errorf("warnings %q", warnings)
	}
}
