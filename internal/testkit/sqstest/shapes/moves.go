package shapes

// SourceQueuesOut is an answer.
type SourceQueuesOut struct {
	QueueURLs []string `json:"queueUrls"`
}

// StartMoveIn is a request.
type StartMoveIn struct {
	SourceArn, DestinationArn    string
	MaxNumberOfMessagesPerSecond int
}

// A MoveHandle is an answer, and a request.
type MoveHandle struct{ TaskHandle string }

// ListMovesIn is a request.
type ListMovesIn struct {
	SourceArn  string
	MaxResults int
}

// A MoveTask is one task of a ListMovesOut.
type MoveTask struct {
	Status                            string
	TaskHandle                        string `json:",omitempty"`
	SourceArn                         string
	DestinationArn                    string `json:",omitempty"`
	FailureReason                     string `json:",omitempty"`
	ApproximateNumberOfMessagesMoved  int
	ApproximateNumberOfMessagesToMove int
	MaxNumberOfMessagesPerSecond      int `json:",omitempty"`
	StartedTimestamp                  int64
}

// ListMovesOut is an answer.
type ListMovesOut struct{ Results []MoveTask }

// MoveCancelled is an answer.
type MoveCancelled struct{ ApproximateNumberOfMessagesMoved int }
