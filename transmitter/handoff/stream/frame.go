package stream

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/coder/websocket"

	"carrier/internal/plainjson"
	"carrier/internal/redact"
	"carrier/transmitter/handoff"
)

// The types of frames, beside verdicts.
const (
	credit  = "credit" // sets the credit
	settled = "settled"
	lost    = "lost"
	drain   = "drain"
	errored = "error"
)

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
	kind  string
	token string // empty where it is about no message
	err   error  // of settled
	text  string // of error
}

// append appends r as JSON.
func (r reply) append(b []byte) []byte {
	b = plainjson.Append(append(b, `{"type":`...), r.kind)
	switch {
	case r.kind == settled:
		b = AppendResult(append(b, `,"token":`...), r.token, r.err)
	case r.token != "":
		b = plainjson.Append(append(b, `,"token":`...), r.token)
	case r.text != "":
		b = plainjson.Append(append(b, `,"error":`...), r.text)
	}
	return append(b, '}')
}

// AppendResult appends what became of a verdict that ended with err: the token, and the members that
// follow it.
func AppendResult(b []byte, token string, err error) []byte {
	b = plainjson.Append(b, token)
	if err == nil {
		return append(b, `,"ok":true`...)
	}
	return plainjson.Append(append(b, `,"ok":false,"error":`...), err.Error())
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
	f, is := plain(text)
	if !is {
		if f, err = decode(text); err != nil {
			return f, fault{websocket.StatusPolicyViolation, "a frame must be one JSON object: " + redact.Text(err.Error())}
		}
	}
	return f.checked(verdict)
}

// decode reads a frame in any form.
func decode(text []byte) (f Frame, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err = decoder.Decode(&f); err != nil {
		return f, err
	}
	if _, err = decoder.Token(); errors.Is(err, io.EOF) {
		return f, nil
	}
	return f, errors.New("there is more after it")
}

// plain reads a frame in the usual form, and reports whether it is one.
func plain(text []byte) (f Frame, is bool) {
	r := plainjson.NewReader(text)
	for r.Begin('{'); r.More('}'); {
		var into *string
		switch key := string(r.Key()); {
		case key == "most" && f.Most == nil:
			f.Most = new(r.Number())
			continue
		case key == "type":
			into = &f.Type
		case key == "token":
			into = &f.Token
		case key == "delay":
			into = &f.Delay
		case key == "for":
			into = &f.For
		case key == "reason":
			into = &f.Reason
		}
		if into == nil || *into != "" {
			r.Fail()
			break
		}
		if *into = word(r.Text()); *into == "" { // which could come twice
			r.Fail()
		}
	}
	return f, r.End()
}

// word is text. For what comes with nearly every message nothing is allocated.
func word(text []byte) string {
	if string(text) == string(handoff.Ack) {
		return string(handoff.Ack)
	}
	return string(text)
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
