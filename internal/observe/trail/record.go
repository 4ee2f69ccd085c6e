package trail

import "time"

// The words of Event, and the outcome that FailuresOnly leaves out.
const (
	attempted = "attempt"
	settled   = "settled"
	delivered = "delivered"
)

// An Attempt is one POST, or one hand-over to a consumer, and what came of it. Time is when it was
// over. Outcome is one of the words that settlements are counted by.
type Attempt struct {
	Time         time.Time `json:"time"`
	Event        string    `json:"event"`
	Route        string    `json:"route"`
	MessageID    string    `json:"message_id"`
	Attempt      int       `json:"attempt"`
	ReceiveCount int       `json:"receive_count"`
	Endpoint     string    `json:"endpoint"`
	Status       int       `json:"status"`
	TookMS       int64     `json:"took_ms"`
	Outcome      string    `json:"outcome"`
	DelayMS      int64     `json:"delay_ms"`
	Reason       string    `json:"reason"`
}

// A Settlement is the end of one message in flight. OK says that the source agreed. Verdict is the word
// that a webhook worker gave by token, or "none" where it promised one and gave none, and HeldMS how long
// it had the message; both are absent where the worker's answer was its word.
type Settlement struct {
	Time      time.Time `json:"time"`
	Event     string    `json:"event"`
	Route     string    `json:"route"`
	MessageID string    `json:"message_id"`
	Outcome   string    `json:"outcome"`
	Attempts  int       `json:"attempts"`
	AgeMS     int64     `json:"age_ms"`
	SettleMS  int64     `json:"settle_ms"`
	OK        bool      `json:"ok"`
	Verdict   string    `json:"verdict,omitempty"`
	HeldMS    int64     `json:"held_ms,omitempty"`
}

// Outcomes are the words that the outcome of a record may be.
func Outcomes() []string {
	return []string{delivered, "deferred", "failed", "rejected", "returned", lost}
}
