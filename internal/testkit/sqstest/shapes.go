package sqstest

// The requests and answers of the JSON 1.0 protocol, as far as they are used.

type queueRef struct {
	QueueURL string `json:"QueueUrl"`
}

func (r *queueRef) queueURL() string { return r.QueueURL }

type createQueueIn struct {
	QueueName  string
	Attributes map[string]string
}

type getQueueURLIn struct {
	QueueName string
	Owner     string `json:"QueueOwnerAWSAccountId"`
}

type queueURLOut struct {
	QueueURL string `json:"QueueUrl"`
}

type listQueuesIn struct{ QueueNamePrefix string }

type listQueuesOut struct {
	QueueURLs []string `json:"QueueUrls"`
}

type getQueueAttributesIn struct {
	queueRef
	AttributeNames []string
}

type queueAttributesOut struct{ Attributes map[string]string }

type setQueueAttributesIn struct {
	queueRef
	Attributes map[string]string
}

// An Attribute is one message attribute. DataType is String, Number or Binary, or
// one of these with a label after a dot.
type Attribute struct {
	DataType    string
	StringValue string `json:",omitempty"`
	BinaryValue []byte `json:",omitempty"`
}

type outgoing struct {
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]Attribute
	MessageSystemAttributes map[string]Attribute
	MessageGroupID          string `json:"MessageGroupId"`
	MessageDeduplicationID  string `json:"MessageDeduplicationId"`
}

type sendMessageIn struct {
	queueRef
	outgoing
}

type sent struct {
	MessageID                    string `json:"MessageId"`
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
	SequenceNumber               string `json:",omitempty"`
}

type sendEntry struct {
	ID string `json:"Id"`
	outgoing
}

type sendMessageBatchIn struct {
	queueRef
	Entries []sendEntry
}

type sentEntry struct {
	ID string `json:"Id"`
	sent
}

type receiveMessageIn struct {
	queueRef
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
}

type receiveMessageOut struct {
	Messages []received `json:",omitempty"`
}

type received struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	Body                   string
	MD5OfBody              string
	MD5OfMessageAttributes string               `json:",omitempty"`
	Attributes             map[string]string    `json:",omitempty"`
	MessageAttributes      map[string]Attribute `json:",omitempty"`
}

type deleteMessageIn struct {
	queueRef
	ReceiptHandle string
}

type deleteEntry struct {
	ID            string `json:"Id"`
	ReceiptHandle string
}

type deleteMessageBatchIn struct {
	queueRef
	Entries []deleteEntry
}

type changeVisibilityIn struct {
	queueRef
	ReceiptHandle     string
	VisibilityTimeout *int
}

type changeEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string
	VisibilityTimeout *int
}

type changeVisibilityBatchIn struct {
	queueRef
	Entries []changeEntry
}

type batchOut struct {
	Successful []any
	Failed     []failedEntry
}

type doneEntry struct {
	ID string `json:"Id"`
}

type failedEntry struct {
	ID          string `json:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

type empty struct{}
