// Package shapes is the requests, answers, errors and checksums of SQS's JSON 1.0 protocol, as far
// as they are used. The SQS API reference says what the fields mean.
package shapes

// A QueueRef names the queue of a request.
type QueueRef struct {
	QueueURL string `json:"QueueUrl"`
}

// Queue is the queue's URL.
func (r *QueueRef) Queue() string { return r.QueueURL }

// CreateQueueIn is a request.
type CreateQueueIn struct {
	QueueName  string
	Attributes map[string]string
}

// GetQueueURLIn is a request.
type GetQueueURLIn struct {
	QueueName string
	Owner     string `json:"QueueOwnerAWSAccountId"`
}

// QueueURLOut is an answer.
type QueueURLOut struct {
	QueueURL string `json:"QueueUrl"`
}

// ListQueuesIn is a request.
type ListQueuesIn struct{ QueueNamePrefix string }

// ListQueuesOut is an answer.
type ListQueuesOut struct {
	QueueURLs []string `json:"QueueUrls"`
}

// GetQueueAttributesIn is a request.
type GetQueueAttributesIn struct {
	QueueRef
	AttributeNames []string
}

// QueueAttributesOut is an answer.
type QueueAttributesOut struct{ Attributes map[string]string }

// SetQueueAttributesIn is a request.
type SetQueueAttributesIn struct {
	QueueRef
	Attributes map[string]string
}

// An Attribute is one message attribute. DataType is String, Number or Binary, or
// one of these with a label after a dot.
type Attribute struct {
	DataType    string
	StringValue string `json:",omitempty"`
	BinaryValue []byte `json:",omitempty"`
}

// Text is a String attribute.
func Text(value string) Attribute { return Attribute{DataType: "String", StringValue: value} }

// Outgoing is a message to be sent.
type Outgoing struct {
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]Attribute
	MessageSystemAttributes map[string]Attribute
	MessageGroupID          string `json:"MessageGroupId"`
	MessageDeduplicationID  string `json:"MessageDeduplicationId"`
}

// SendMessageIn is a request.
type SendMessageIn struct {
	QueueRef
	Outgoing
}

// Sent is the answer for a message that was sent.
type Sent struct {
	MessageID                    string `json:"MessageId"`
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
	SequenceNumber               string `json:",omitempty"`
}

// SendEntry is an entry of a batch.
type SendEntry struct {
	ID string `json:"Id"`
	Outgoing
}

// SendMessageBatchIn is a request.
type SendMessageBatchIn struct {
	QueueRef
	Entries []SendEntry
}

// SentEntry is an entry of a batch.
type SentEntry struct {
	ID string `json:"Id"`
	Sent
}

// ReceiveMessageIn is a request.
type ReceiveMessageIn struct {
	QueueRef
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
}

// ReceiveMessageOut is an answer.
type ReceiveMessageOut struct {
	Messages []Received `json:",omitempty"`
}

// Received is a message that is handed out.
type Received struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	Body                   string
	MD5OfBody              string
	MD5OfMessageAttributes string               `json:",omitempty"`
	Attributes             map[string]string    `json:",omitempty"`
	MessageAttributes      map[string]Attribute `json:",omitempty"`
}

// DeleteMessageIn is a request.
type DeleteMessageIn struct {
	QueueRef
	ReceiptHandle string
}

// DeleteEntry is an entry of a batch.
type DeleteEntry struct {
	ID            string `json:"Id"`
	ReceiptHandle string
}

// DeleteMessageBatchIn is a request.
type DeleteMessageBatchIn struct {
	QueueRef
	Entries []DeleteEntry
}

// ChangeVisibilityIn is a request.
type ChangeVisibilityIn struct {
	QueueRef
	ReceiptHandle     string
	VisibilityTimeout *int
}

// ChangeEntry is an entry of a batch.
type ChangeEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string
	VisibilityTimeout *int
}

// ChangeVisibilityBatchIn is a request.
type ChangeVisibilityBatchIn struct {
	QueueRef
	Entries []ChangeEntry
}

// BatchOut is an answer.
type BatchOut struct {
	Successful []any
	Failed     []FailedEntry
}

// DoneEntry is an entry of a batch.
type DoneEntry struct {
	ID string `json:"Id"`
}

// FailedEntry is an entry of a batch.
type FailedEntry struct {
	ID          string `json:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

// Empty is the answer that says nothing but yes.
type Empty struct{}

// Size is what counts against the limit: the body and the names, types and values
// of the message attributes, in bytes.
func (m *Outgoing) Size() int {
	n := len(m.MessageBody)
	for name, a := range m.MessageAttributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}
