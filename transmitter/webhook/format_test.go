package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"carrier/message"
	"carrier/transmitter/webhook"
	"carrier/transmitter/webhook/format"
)

// formatted delivers m in a format and returns the request it became.
func formatted(t *testing.T, f format.Format, m *message.Message) received {
	t.Helper()
	e, got := recording(t)
	r := deliver(t, open(t, webhook.Options{Endpoint: e, Format: f, DefaultContentType: "text/plain"}), m, got)
	if r.header.Get("X-Carrier-Message-Id") == "" || r.header.Get("X-Carrier-Receive-Count") == "" {
		t.Errorf("carrier's own headers are not beside: %v", r.header)
	}
	return r
}

// wantHeaders checks that the headers that begin with prefix are these.
func wantHeaders(t *testing.T, h http.Header, prefix string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for name, values := range h {
		if strings.HasPrefix(name, prefix) {
			got[name] = strings.Join(values, "|")
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("headers are %v, want %v", got, want)
	}
}

// wantJSON checks that body is this document.
func wantJSON(t *testing.T, body []byte, want string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &a); err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("body is %s, %v; want %s", body, err, want)
	}
}

func TestMessageIsACloudEvent(t *testing.T) {
	for name, c := range map[string]struct {
		attributes []message.Attribute
		header     http.Header
		group      string
		want       map[string]string
	}{
		"made of the message": {nil, nil, "g 1", map[string]string{
			"Ce-Specversion": "1.0", "Ce-Id": "m-1", "Ce-Source": "/orders", "Ce-Type": "carrier.message",
			"Ce-Time": "2023-11-14T22:13:20.001Z", "Ce-Partitionkey": "g%201",
		}},
		"of the producer, in attributes": {[]message.Attribute{
			{Name: "ce-type", Value: "com.example.order"}, {Name: "ce-source", Value: "/shop"}, {Name: "Ce-Id", Value: "7"},
			{Name: "ce-subject", Value: `50% "äö`}, {Name: "ce-specversion", Value: "0.3"}, {Name: "ce-no-name", Value: "x"}, {Name: "other", Value: "x"},
		}, nil, "", map[string]string{
			"Ce-Specversion": "1.0", "Ce-Id": "7", "Ce-Source": "/shop", "Ce-Type": "com.example.order",
			"Ce-Time": "2023-11-14T22:13:20.001Z", "Ce-Subject": "50%25%20%22%C3%A4%C3%B6",
		}},
		"of the producer, in ingest's headers": {nil, http.Header{"Ce-Type": {"t"}, "Ce-Time": {"2020-01-01T00:00:00Z"}, "Accept": {"x"}}, "", map[string]string{
			"Ce-Specversion": "1.0", "Ce-Id": "m-1", "Ce-Source": "/orders", "Ce-Type": "t", "Ce-Time": "2020-01-01T00:00:00Z",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMessage("m-1", "\x00body")
			m.Attributes, m.Group = c.attributes, c.group
			if c.header != nil {
				m.Request = &message.Request{Header: c.header}
			}
			r := formatted(t, format.CloudEvents, m)
			wantHeaders(t, r.header, "Ce-", c.want)
			if string(r.body) != "\x00body" || r.header.Get("Content-Type") != "text/plain" {
				t.Errorf("body is %q, %s", r.body, r.header.Get("Content-Type"))
			}
		})
	}
}

func TestMessageLooksLikeOneOfBeanstalksDaemon(t *testing.T) {
	m := newMessage("m-1", "body")
	m.ReceiveCount = 3
	m.Attributes = []message.Attribute{{Name: "color", Value: "red"}, {Name: "a b", Value: "x"}, {Name: "break", Value: "a\r\nb"}}
	r := formatted(t, format.SQSD, m)
	wantHeaders(t, r.header, "X-Aws-Sqsd-", map[string]string{
		"X-Aws-Sqsd-Msgid": "m-1", "X-Aws-Sqsd-Queue": "orders", "X-Aws-Sqsd-Receive-Count": "3",
		"X-Aws-Sqsd-First-Received-At": "2023-11-14T22:13:21Z", "X-Aws-Sqsd-Sent-At": "2023-11-14T22:13:20Z", "X-Aws-Sqsd-Attr-Color": "red",
	})
	if string(r.body) != "body" || !strings.HasPrefix(r.header.Get("User-Agent"), "aws-sqsd/") {
		t.Errorf("the worker got %+v", r)
	}
}

func TestPeriodicTaskLooksLikeOneOfBeanstalksDaemon(t *testing.T) {
	m := newMessage("m-1", "elasticbeanstalk scheduled job")
	m.FirstReceived, m.Sent = time.Time{}, time.Time{}
	m.Attributes = []message.Attribute{
		{Name: "beanstalk.sqsd.path", Value: "/backup"}, {Name: "beanstalk.sqsd.task_name", Value: "nightly"},
		{Name: "beanstalk.sqsd.scheduled_time", Value: "2023-11-14T23:00:00Z"}, {Name: "beanstalk.sqsd.other", Value: "x"},
		{Name: "color", Value: "red"},
	}
	r := formatted(t, format.SQSD, m)
	wantHeaders(t, r.header, "X-Aws-Sqsd-", map[string]string{
		"X-Aws-Sqsd-Msgid": "m-1", "X-Aws-Sqsd-Queue": "orders", "X-Aws-Sqsd-Receive-Count": "1",
		"X-Aws-Sqsd-Path": "/backup", "X-Aws-Sqsd-Taskname": "nightly", "X-Aws-Sqsd-Scheduled-At": "2023-11-14T23:00:00Z",
		"X-Aws-Sqsd-Attr-Color": "red",
	})
}

func TestMessageIsAPubSubPush(t *testing.T) {
	m := newMessage("2070443601311540", "Hello Cloud Pub/Sub! Here is my message!")
	m.Source, m.Group, m.ReceiveCount = "projects/myproject/subscriptions/mysubscription", "key", 5
	m.Sent = time.Date(2021, 2, 26, 19, 13, 55, 749e6, time.UTC)
	m.Attributes = []message.Attribute{{Name: "key", Value: "value"}}
	r := formatted(t, format.PubSubPush, m)
	wantJSON(t, r.body, `{"deliveryAttempt": 5, "message": {"attributes": {"key": "value"},
		"data": "SGVsbG8gQ2xvdWQgUHViL1N1YiEgSGVyZSBpcyBteSBtZXNzYWdlIQ==", "messageId": "2070443601311540",
		"message_id": "2070443601311540", "orderingKey": "key", "publishTime": "2021-02-26T19:13:55.749Z",
		"publish_time": "2021-02-26T19:13:55.749Z"}, "subscription": "projects/myproject/subscriptions/mysubscription"}`)
	if r.header.Get("Content-Type") != "application/json" {
		t.Errorf("content type is %s", r.header.Get("Content-Type"))
	}
}

func TestMessageIsALambdaEvent(t *testing.T) {
	for name, c := range map[string]struct{ body, text, md5, more string }{
		"text":  {"Hello from SQS!", "Hello from SQS!", "7b270e59b47ff90a553787216d55d91d", ""},
		"bytes": {"\xff\xfe", "//4=", "de60fc7f59b7a83d37328ab2af78bc0a", `, "Body.Encoding": {"stringValue": "base64", "stringListValues": [], "binaryListValues": [], "dataType": "String"}`},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMessage("19dd0b57", c.body)
			m.Group = "g"
			m.Attributes = []message.Attribute{{Name: "myAttribute", Value: "myValue"}}
			r := formatted(t, format.Lambda, m)
			var event struct{ Records []map[string]any }
			if err := json.Unmarshal(r.body, &event); err != nil || len(event.Records) != 1 {
				t.Fatalf("body is %s", r.body)
			}
			md5 := event.Records[0]["md5OfBody"]
			delete(event.Records[0], "md5OfBody")
			if md5 != c.md5 {
				t.Errorf("md5OfBody is %v", md5)
			}
			record, _ := json.Marshal(event.Records[0])
			wantJSON(t, record, `{"messageId": "19dd0b57", "receiptHandle": "19dd0b57", "body": "`+c.text+`", "attributes": {
				"ApproximateReceiveCount": "1", "SentTimestamp": "1700000000001", "SenderId": "carrier",
				"ApproximateFirstReceiveTimestamp": "1700000001999", "MessageGroupId": "g"},
				"messageAttributes": {"myAttribute": {"stringValue": "myValue", "stringListValues": [], "binaryListValues": [], "dataType": "String"}`+c.more+`},
				"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:::orders", "awsRegion": ""}`)
		})
	}
}

func TestFormatSaysWhatSuccessIs(t *testing.T) {
	for f, accepted := range map[format.Format][]int{
		format.Raw: {200, 201, 202, 204, 206}, format.CloudEvents: {200, 201, 202, 204, 206}, format.Lambda: {200, 201, 202, 204, 206},
		format.SQSD: {200}, format.PubSubPush: {200, 201, 202, 204},
	} {
		for _, status := range []int{200, 201, 202, 204, 206, 400, 500} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
			o := open(t, webhook.Options{Endpoint: endpoint(t, server.URL), Format: f}).Transmit(t.Context(), newMessage("m", "x"))
			server.Close()
			want := message.Retry
			for _, s := range accepted {
				if s == status {
					want = message.Delivered
				}
			}
			if status == 400 {
				want = message.Rejected
			}
			if o.Verdict != want || want == message.Retry && o.Cause != message.Failed {
				t.Errorf("%q, %d: outcome %+v", f, status, o)
			}
		}
	}
}

func TestLambdasAnswerSaysWhatFailed(t *testing.T) {
	for name, c := range map[string]struct {
		answer    string
		delivered bool
	}{
		"nothing":                   {"Content-Length: 0\r\n\r\n", true},
		"text":                      {"Content-Type: text/plain\r\nContent-Length: 4\r\n\r\n{oh!", true},
		"null":                      {"Content-Type: application/json\r\nContent-Length: 4\r\n\r\nnull", true},
		"another JSON document":     {"Content-Type: application/json\r\nContent-Length: 4\r\n\r\n\"ok\"", true},
		"no failures":               {"Content-Type: application/json\r\nContent-Length: 25\r\n\r\n{\"batchItemFailures\":[] }", true},
		"the record":                {"Content-Type: application/json; charset=utf-8\r\nContent-Length: 46\r\n\r\n{\"batchItemFailures\":[{\"itemIdentifier\":\"m\"}]}", false},
		"no known record":           {"Content-Type: application/json\r\nContent-Length: 45\r\n\r\n{\"batchItemFailures\":[{\"itemIdentifier\":\"\"}]}", false},
		"broken JSON":               {"Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"batchIte", false},
		"a failure, overruled":      {"X-Carrier-Action: ack\r\nContent-Type: application/json\r\nContent-Length: 46\r\n\r\n{\"batchItemFailures\":[{\"itemIdentifier\":\"m\"}]}", true},
		"an answer that breaks off": {"Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{}", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, e := listenTCP(t, func(w *rawWorker, conn net.Conn) { answeringOnce("HTTP/1.1 200 OK\r\n"+c.answer)(w, conn) })
			o := open(t, webhook.Options{Endpoint: e, Format: format.Lambda}).Transmit(t.Context(), newMessage("m", "x"))
			if delivered := o.Verdict == message.Delivered; delivered != c.delivered || !delivered && o.Cause != message.Failed {
				t.Errorf("outcome %+v", o)
			}
		})
	}
}

// The example of a notification in SNS's developer guide, shortened.
const notification = `{"Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
	"TopicArn": "arn:aws:sns:us-west-2:123456789012:MyTopic", "Subject": "My First Message", "Message": "Hello \"world\"!",
	"Timestamp": "2012-05-02T00:54:06.655Z", "SignatureVersion": "1", "Signature": "EXAMPLEw6JRN",
	"MessageAttributes": {"color": {"Type": "String", "Value": "red"}, "size": {"Type": "Number", "Value": "3"},
		"own": {"Type": "String", "Value": "sns"}, "raw": {"Type": "Binary", "Value": "AAEC"}}}`

func TestSNSEnvelopeIsTakenOff(t *testing.T) {
	own := []message.Attribute{{Name: "own", Value: "queue"}}
	for name, c := range map[string]struct {
		body, want string
		attributes map[string]string
	}{
		"a notification":          {notification, `Hello "world"!`, map[string]string{"X-Carrier-Attribute-Color": "red", "X-Carrier-Attribute-Size": "3", "X-Carrier-Attribute-Own": "queue"}},
		"no JSON":                 {"plain", "plain", map[string]string{"X-Carrier-Attribute-Own": "queue"}},
		"JSON of the application": {`{"Type":"Notification","Message":"x"}`, `{"Type":"Notification","Message":"x"}`, map[string]string{"X-Carrier-Attribute-Own": "queue"}},
	} {
		t.Run(name, func(t *testing.T) {
			e, got := recording(t)
			m := newMessage("m", c.body)
			m.Attributes = own
			r := deliver(t, open(t, webhook.Options{Endpoint: e, UnwrapSNS: true}), m, got)
			wantHeaders(t, r.header, "X-Carrier-Attribute-", c.attributes)
			if string(r.body) != c.want {
				t.Errorf("body is %s", r.body)
			}
			if string(m.Body) != c.body || len(m.Attributes) != 1 {
				t.Error("the message itself was changed: its dead letter would be")
			}
		})
	}
}

func TestAttributeOfAnSNSEnvelopeKeepsItsType(t *testing.T) {
	_, attributes, _ := format.Unwrap([]byte(notification), nil)
	want := []message.Attribute{{Name: "color", Value: "red"}, {Name: "own", Value: "sns"}, {Name: "size", Value: "3", Type: "Number"}}
	if !slices.Equal(attributes, want) {
		t.Errorf("attributes are %v, want %v", attributes, want)
	}
}

// TestTheTraceInAnSNSEnvelopeIsHandedOn: the producer published to SNS, which made the envelope.
func TestTheTraceInAnSNSEnvelopeIsHandedOn(t *testing.T) {
	const inside, beside = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	const envelope = `{"Type": "Notification", "MessageId": "m", "TopicArn": "arn", "Message": "x", "MessageAttributes": {
		"traceparent": {"Type": "String", "Value": "%s"}, "tracestate": {"Type": "String", "Value": "vendor=1"}}}`
	for name, c := range map[string]struct {
		unwrap       bool
		trace        string
		attributes   []message.Attribute
		parent, with string
	}{
		"taken out":                         {true, inside, nil, inside, "vendor=1"},
		"the queue's message has its own":   {true, inside, []message.Attribute{{Name: "traceparent", Value: beside}}, beside, "vendor=1"},
		"what cannot be read is not":        {true, "00-0af7", nil, "", ""},
		"nothing is where nothing is taken": {false, inside, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			e, got := recording(t)
			m := newMessage("m", fmt.Sprintf(envelope, c.trace))
			m.Attributes = c.attributes
			r := deliver(t, open(t, webhook.Options{Endpoint: e, UnwrapSNS: c.unwrap}), m, got)
			if parent, state := r.header.Get("Traceparent"), r.header.Get("Tracestate"); parent != c.parent || state != c.with {
				t.Errorf("traceparent %q, tracestate %q", parent, state)
			}
		})
	}
}

// The library does not undo percent-encoding, which the binding has every receiver do: no value here needs it.
func TestCloudEventsOwnLibraryReadsTheEvent(t *testing.T) {
	m := newMessage("m-1", `{"a":1}`)
	m.ContentType, m.Group = "application/json", "g1"
	m.Attributes = []message.Attribute{{Name: "ce-type", Value: "com.example.order"}, {Name: "ce-subject", Value: "order-7"}}
	r := formatted(t, format.CloudEvents, m)
	event, err := binding.ToEvent(t.Context(), cehttp.NewMessage(r.header, io.NopCloser(bytes.NewReader(r.body))))
	if err != nil || event.Validate() != nil {
		t.Fatalf("%v, %v", err, event)
	}
	if event.ID() != "m-1" || event.Source() != "/orders" || event.Type() != "com.example.order" || event.Subject() != "order-7" ||
		!event.Time().Equal(m.Sent) || event.DataContentType() != "application/json" || string(event.Data()) != `{"a":1}` ||
		event.Extensions()["partitionkey"] != "g1" {
		t.Errorf("the event is %v", event)
	}
}
