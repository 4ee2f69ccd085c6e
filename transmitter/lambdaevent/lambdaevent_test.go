package lambdaevent_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"carrier/message"
	"carrier/transmitter/lambdaevent"
)

func TestAnswerSaysWhichRecordsWereHandled(t *testing.T) {
	all, none := []bool{true, true, true}, []bool{false, false, false}
	for name, c := range map[string]struct {
		answer string
		want   []bool
	}{
		"empty":                           {``, all},
		"null":                            {`null`, all},
		"an empty object":                 {`{}`, all},
		"a null list":                     {`{"batchItemFailures":null}`, all},
		"an empty list":                   {`{"batchItemFailures":[]}`, all},
		"something else":                  {`{"statusCode":200}`, all},
		"a text":                          {`"done"`, all},
		"a list":                          {`[1]`, all},
		"one":                             {`{"batchItemFailures":[{"itemIdentifier":"b"}]}`, []bool{true, false, true}},
		"two":                             {`{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"a"}]}`, []bool{false, true, false}},
		"one, twice":                      {`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"a"}]}`, []bool{false, true, true}},
		"broken":                          {`{"batchItemFailures":[`, none},
		"a list that is none":             {`{"batchItemFailures":"a"}`, none},
		"an entry that is no object":      {`{"batchItemFailures":["a"]}`, none},
		"an empty identifier":             {`{"batchItemFailures":[{"itemIdentifier":""}]}`, none},
		"a null identifier":               {`{"batchItemFailures":[{"itemIdentifier":null}]}`, none},
		"a number for an identifier":      {`{"batchItemFailures":[{"itemIdentifier":1}]}`, none},
		"another name for it":             {`{"batchItemFailures":[{"ItemIdentifier":"a"}]}`, none},
		"the identifier of no record":     {`{"batchItemFailures":[{"itemIdentifier":"z"}]}`, none},
		"one of a record and one of none": {`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"z"}]}`, none},
	} {
		t.Run(name, func(t *testing.T) {
			if got := lambdaevent.Handled([]byte(c.answer), []string{"a", "b", "c"}); !slices.Equal(got, c.want) {
				t.Errorf("Handled(%s) = %v, want %v", c.answer, got, c.want)
			}
		})
	}
}

func TestEventHoldsWhatFits(t *testing.T) {
	third := strings.Repeat("x", lambdaevent.Limit/3)
	for name, c := range map[string]struct {
		bodies []string
		want   int
	}{
		"three that fit":             {[]string{"a", "b", "c"}, 3},
		"two of three large ones":    {[]string{third, third, third}, 2},
		"one that is too large":      {[]string{strings.Repeat("x", lambdaevent.Limit+1), "b"}, 1},
		"a small one behind a third": {[]string{third, third, "c"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			var event lambdaevent.Event
			n := 0
			for n < len(c.bodies) && event.Add(&message.Message{ID: fmt.Sprint(n)}, []byte(c.bodies[n]), nil) {
				n++
			}
			var got struct {
				Records []struct{ MessageID, Body string }
			}
			if err := json.Unmarshal(event.JSON(), &got); err != nil {
				t.Fatal(err)
			}
			if n != c.want || len(got.Records) != n {
				t.Fatalf("%d added, %d records, want %d", n, len(got.Records), c.want)
			}
			for i, r := range got.Records {
				if r.MessageID != fmt.Sprint(i) || r.Body != c.bodies[i] {
					t.Errorf("record %d is of %q", i, r.MessageID)
				}
			}
			if n > 1 && len(event.JSON()) > lambdaevent.Limit {
				t.Errorf("%d bytes", len(event.JSON()))
			}
		})
	}
}

func TestRecordKeepsWhatSQSSaysOfAMessage(t *testing.T) {
	const lists = `"stringListValues":[],"binaryListValues":[],`
	for name, c := range map[string]struct {
		message *message.Message
		want    []string
	}{
		"a text": {
			&message.Message{Attributes: []message.Attribute{{Name: "a", Value: ""}}},
			[]string{`"messageAttributes":{"a":{"stringValue":"",` + lists + `"dataType":"String"}}`},
		},
		"a number of a type of its own": {
			&message.Message{Attributes: []message.Attribute{{Name: "a", Value: "7", Type: "Number.int"}}},
			[]string{`"messageAttributes":{"a":{"stringValue":"7",` + lists + `"dataType":"Number.int"}}`},
		},
		"bytes": {
			&message.Message{BinaryAttributes: []message.Attribute{{Name: "a", Value: "\x00\xff", Type: "Binary.png"}}},
			[]string{`"messageAttributes":{"a":{"binaryValue":"AP8=",` + lists + `"dataType":"Binary.png"}}`},
		},
		"the queue": {
			&message.Message{ARN: "arn:aws-cn:sqs:cn-north-1:123456789012:orders"},
			[]string{`"eventSourceARN":"arn:aws-cn:sqs:cn-north-1:123456789012:orders"`, `"awsRegion":"cn-north-1"`},
		},
		"a source that is no queue of SQS": {
			&message.Message{Source: "ingest"},
			[]string{`"eventSourceARN":"arn:aws:sqs:::ingest"`, `"awsRegion":""`},
		},
		"the trace": {&message.Message{Trace: "Root=1-2"}, []string{`"AWSTraceHeader":"Root=1-2"`}},
	} {
		t.Run(name, func(t *testing.T) {
			var event lambdaevent.Event
			event.Add(c.message, nil, c.message.Attributes)
			for _, want := range c.want {
				if got := string(event.JSON()); !strings.Contains(got, want) {
					t.Errorf("event is %s, want %s in it", got, want)
				}
			}
		})
	}
}
