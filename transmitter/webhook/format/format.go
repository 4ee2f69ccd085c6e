// Package format gives messages the form that workers of another sender know: CloudEvents, Elastic
// Beanstalk's daemon, Pub/Sub's push, Lambda's SQS event.
package format

import (
	"mime"

	"carrier/message"
	"carrier/transmitter/lambdaevent"
)

// A Format is how a message is sent. The zero Format is Raw.
type Format string

// The formats.
const (
	// Raw sends the body as it is.
	Raw Format = ""
	// CloudEvents is the HTTP binary content mode of CloudEvents 1.0.
	CloudEvents Format = "cloudevents"
	// SQSD is what the daemon of an Elastic Beanstalk worker environment sends. Only 200 is success.
	SQSD Format = "sqsd"
	// PubSubPush is the envelope of a Pub/Sub push subscription.
	PubSubPush Format = "pubsub-push"
	// Lambda is the event that a Lambda function gets of SQS. It may hold several messages.
	Lambda Format = "lambda"
)

// A Header is one header of a request.
type Header struct{ Name, Value string }

// A Content is what of a request a Format decides.
type Content struct {
	Body []byte
	// ContentType, where it is not empty, is sent in place of the message's own.
	ContentType string
	// Agent, where it is not empty, is sent as the User-Agent.
	Agent string
	// Headers are sent beside carrier's own. Their values can be sent as they are.
	Headers []Header
}

// Encode puts m with this body and these attributes into the form of f.
func (f Format) Encode(m *message.Message, body []byte, attributes []message.Attribute) Content {
	switch f {
	case CloudEvents:
		return Content{Body: body, Headers: cloudEvent(m, attributes)}
	case SQSD:
		return Content{Body: body, Agent: sqsdAgent, Headers: sqsd(m, attributes)}
	case PubSubPush:
		return Content{Body: push(m, body, attributes), ContentType: jsonType}
	case Lambda:
		var event lambdaevent.Event
		event.Add(m, body, attributes)
		return Content{Body: event.JSON(), ContentType: jsonType}
	default:
		return Content{Body: body}
	}
}

const jsonType = "application/json"

// Accepts reports whether a status means that the message was delivered.
func (f Format) Accepts(status int) bool {
	switch f {
	case SQSD:
		return status == 200
	case PubSubPush:
		return status == 102 || status == 200 || status == 201 || status == 202 || status == 204
	default:
		return status/100 == 2
	}
}

// FinalInterim is the interim status that is success, and no heartbeat; zero where there is none.
func (f Format) FinalInterim() int {
	if f == PubSubPush {
		return 102
	}
	return 0
}

// ReadsAnswer reports whether the body of an accepting answer has a say.
func (f Format) ReadsAnswer() bool { return f == Lambda }

// Handled reports which of the messages with these ids were handled, by the body of an accepting answer
// where it has a say. A body that is not declared JSON says that all were.
func (f Format) Handled(contentType string, body []byte, ids []string) []bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || media != jsonType {
		body = nil
	}
	return lambdaevent.Handled(body, ids)
}
