// A Lambda function for an SQS queue, as it is deployed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() { lambda.Start(handle) }

// handle lists what it cannot read as failed, and fails altogether at order 0.
func handle(_ context.Context, event events.SQSEvent) (response events.SQSEventResponse, err error) {
	for _, record := range event.Records {
		var message struct {
			Order int `json:"order"`
		}
		switch err := json.Unmarshal([]byte(record.Body), &message); {
		case err != nil:
			fmt.Printf("worker: cannot do %s\n", record.Body)
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
		case message.Order == 0:
			return response, errors.New("there is no order 0")
		default:
			fmt.Printf("worker: order %d, one of %d\n", message.Order, len(event.Records))
		}
	}
	return response, nil
}
