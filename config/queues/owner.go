package queues

import "strings"

// Owner names the receiver that the variable called name is for, if it is for one; else it is empty.
func Owner(name string) string {
	rest := strings.TrimPrefix(strings.Replace(name, "FORWARD_", "", 1), "CARRIER_")
	if strings.HasPrefix(rest, "SUBSCRIPTION_") {
		return "ingest"
	}
	for _, receiver := range []string{"sqs", "pubsub", "nats", "ingest"} {
		if strings.HasPrefix(rest, strings.ToUpper(receiver)+"_") {
			return receiver
		}
	}
	return map[string]string{"DEAD_LETTER_QUEUE_URL": "sqs", "DEAD_LETTER_TOPIC": "pubsub", "DEAD_LETTER_SUBJECT": "nats"}[rest]
}
