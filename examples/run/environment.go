//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// The queues that devsqs makes; carrier receives from the first.
const (
	queue  = "orders"
	queues = queue + ",events.fifo"
)

// setDefaults sets what the environment leaves open.
func setDefaults(o options) error {
	var errs []error
	set := func(name, value string) {
		if os.Getenv(name) == "" {
			errs = append(errs, os.Setenv(name, value))
		}
	}
	set("WORKER_ADDRESS", "127.0.0.1:9000")
	set("DEVSQS_ADDRESS", "127.0.0.1:9324")
	set("CARRIER_WEBHOOK_ENDPOINT", "http://"+os.Getenv("WORKER_ADDRESS"))
	set("CARRIER_ADMIN_ADDRESS", "127.0.0.1:9010")
	if out, err := os.Stdout.Stat(); err == nil && out.Mode()&os.ModeCharDevice != 0 {
		set("CARRIER_ENABLE_COLORIZED_LOGGING", "true")
	}
	source := map[string]string{"CARRIER_RECEIVER": "ingest", "CARRIER_INGEST_ADDRESS": "127.0.0.1:8080"}
	if o.devsqs != "" {
		source = map[string]string{
			"CARRIER_RECEIVER": "sqs", "CARRIER_SQS_QUEUE_NAME": queue, "CARRIER_SQS_ENDPOINT": sqsURL(),
		}
	}
	for name, value := range source {
		set(name, value)
	}
	return errors.Join(errs...)
}

func sqsURL() string { return "http://" + reachable(os.Getenv("DEVSQS_ADDRESS")) }

// greet says what to do next.
func greet(o options) {
	fmt.Println("\ncarrier is ready; Ctrl-C drains it.")
	switch {
	case o.devsqs != "":
		fmt.Print(sqsGreeting(o.devsqs))
	case os.Getenv("CARRIER_RECEIVER") == "ingest":
		fmt.Print(ingestGreeting(reachable(os.Getenv("CARRIER_INGEST_ADDRESS")), os.Getenv("CARRIER_WEBHOOK_ENDPOINT")))
	}
}

func ingestGreeting(address, endpoint string) string {
	return fmt.Sprintf(`In another terminal:

  curl -i http://%s/orders -H 'Content-Type: application/json' -d '{"order":1}'

The worker gets it at %s: the path /orders is passed on only with CARRIER_INGEST_REPLAY=true.

`, address, endpoint)
}

func sqsGreeting(devsqs string) string {
	at := ""
	if !strings.HasSuffix(sqsURL(), ":9324") {
		at = " -endpoint " + sqsURL()
	}
	return fmt.Sprintf(`In another terminal:

  %s send%s -queue %s '{"order":1}'
  %[1]s show%[2]s %[3]s

After five receives a message goes to %[3]s-dead; devsqs show prints what is there.

`, devsqs, at, queue)
}
