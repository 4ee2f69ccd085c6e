package stream

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/coder/websocket"

	"carrier/internal/redact"
	"carrier/transmitter/handoff"
)

// credit is the type of the frame that sets the credit. The other types are those of verdicts.
const credit = "credit"

// A Frame is what a client says.
type Frame struct {
	// Type is credit, or a verdict.
	Type string `json:"type"`
	// Most is how many messages the client holds at once, for credit; 0 hands over none.
	Most *int `json:"most"`
	// Token names the message of a verdict; the rest is as in a settlement over HTTP.
	Token  string `json:"token"`
	Delay  string `json:"delay"`
	For    string `json:"for"`
	Reason string `json:"reason"`

	verdict handoff.Verdict
}

// A reply is what carrier says, but for messages.
type reply struct {
	Type  string `json:"type"`
	Token string `json:"token,omitempty"`
	OK    *bool  `json:"ok,omitempty"`
	Error string `json:"error,omitempty"`
}

// settled is the answer to a verdict that ended with err.
func settled(token string, err error) reply {
	ok := err == nil
	r := reply{Type: "settled", Token: token, OK: &ok}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// A fault is a frame that is none: what is wrong with it, and the code to close with.
type fault struct {
	code websocket.StatusCode
	text string
}

// Error is for the client.
func (f fault) Error() string { return f.text }

// parse reads one frame. Its errors are faults.
func parse(kind websocket.MessageType, text []byte, verdict func(Frame) (handoff.Verdict, error)) (f Frame, err error) {
	switch {
	case kind != websocket.MessageText:
		return f, fault{websocket.StatusUnsupportedData, "a frame must be text"}
	case !utf8.Valid(text):
		return f, fault{websocket.StatusInvalidFramePayloadData, "a frame must be UTF-8"}
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err = decoder.Decode(&f); err == nil {
		if _, err = decoder.Token(); err == nil {
			err = errors.New("there is more after it")
		}
	}
	if !errors.Is(err, io.EOF) || len(text) == 0 {
		return f, fault{websocket.StatusPolicyViolation, "a frame must be one JSON object: " + redact.Text(err.Error())}
	}
	return f.checked(verdict)
}

// checked is f, if what it says may be said.
func (f Frame) checked(verdict func(Frame) (handoff.Verdict, error)) (Frame, error) {
	switch {
	case f.Type == credit && (f.Most == nil || *f.Most < 0):
		return f, fault{websocket.StatusPolicyViolation, "most must be a whole number, 0 or more"}
	case f.Type == credit:
		return f, nil
	case !handoff.Kind(f.Type).Known():
		return f, fault{websocket.StatusPolicyViolation, "the type must be credit, ack, retry, dead-letter or extend"}
	case f.Token == "":
		return f, fault{websocket.StatusPolicyViolation, f.Type + " must have a token"}
	}
	var err error
	if f.verdict, err = verdict(f); err != nil {
		return f, fault{websocket.StatusPolicyViolation, err.Error()}
	}
	return f, nil
}
