package stream

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/coder/websocket"

	"carrier/transmitter/handoff"
)

// FuzzFrames reads any bytes as a frame: what is taken is one that the page describes, and what is
// not has a reason that can be sent.
func FuzzFrames(f *testing.F) {
	for _, text := range []string{
		`{"type":"credit","most":10}`, `{"type":"ack","token":"t"}`, `{"type":"retry","token":"t","delay":"30s"}`,
		`{"type":"dead-letter","token":"t","reason":"so"}`, `{"type":"extend","token":"t","for":"2m"}`,
		`{"type":"ack","token":"","token":"t"}`, `{"type":"credit","most":1,"most":2}`, ``, ` `, `null`, `[]`, `{}`, `{"type":"credit"}`, `{"type":"credit","most":-1}`, `{"type":"ack"} {}`, "\xff", `{"TYPE":"ack","Token":"t"}`,
		`{"type":"ack","token":"t"` + strings.Repeat(" ", 100), strings.Repeat("[", 10_000),
	} {
		f.Add(true, []byte(text))
	}
	f.Add(false, []byte(`{"type":"credit","most":10}`))
	f.Fuzz(func(t *testing.T, isText bool, text []byte) {
		if usual, is := plain(text); is {
			if other, err := decode(text); err != nil || !reflect.DeepEqual(usual, other) {
				t.Errorf("%q is read as %+v, and in another way as %+v, %v", text, usual, other, err)
			}
		}
		kind := websocket.MessageBinary
		if isText {
			kind = websocket.MessageText
		}
		frame, err := parse(kind, text, func(f Frame) (handoff.Verdict, error) {
			if f.Delay != "" || f.For != "" {
				return handoff.Verdict{}, errors.New("a duration")
			}
			return handoff.Verdict{Kind: handoff.Kind(f.Type)}, nil
		})
		if err != nil {
			var of fault
			if !errors.As(err, &of) || of.code == 0 || of.text == "" || !utf8.ValidString(of.text) || len(of.text) > 4<<10 {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		switch {
		case !isText || !utf8.Valid(text):
			t.Errorf("%q was taken", text)
		case frame.Type == credit && (frame.Most == nil || *frame.Most < 0):
			t.Errorf("%q: %+v", text, frame)
		case frame.Type != credit && (frame.Token == "" || frame.verdict.Kind != handoff.Kind(frame.Type) || !frame.verdict.Kind.Known()):
			t.Errorf("%q: %+v", text, frame)
		}
	})
}
