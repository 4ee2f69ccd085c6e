package workerapi

// A document is a message as JSON, as consumers read it.
type document struct {
	Token           string            `json:"token"`
	ID              string            `json:"id"`
	OriginalID      string            `json:"originalId,omitempty"`
	ReceiveCount    int               `json:"receiveCount"`
	FirstReceived   int64             `json:"firstReceived,omitempty"`
	Sent            int64             `json:"sent,omitempty"`
	Source          string            `json:"source"`
	Group           string            `json:"group,omitempty"`
	Deadline        int64             `json:"deadline"`
	ContentType     string            `json:"contentType"`
	ContentEncoding string            `json:"contentEncoding,omitempty"`
	Attributes      map[string]string `json:"attributes,omitempty"`
	Traceparent     string            `json:"traceparent,omitempty"`
	Tracestate      string            `json:"tracestate,omitempty"`
	Body            *string           `json:"body,omitempty"`
	BodyBase64      []byte            `json:"bodyBase64,omitempty"`
}

// A result is what became of one verdict, as consumers read it.
type result struct {
	Token string `json:"token"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}
