package workerapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"carrier/internal/httpapi"
	"carrier/message"
	"carrier/transmitter/handoff"
)

// FuzzUsualFormIsReadAsEveryOther compares what is read of a body in the usual form with what is read
// of it as of every other.
func FuzzUsualFormIsReadAsEveryOther(f *testing.F) {
	for _, body := range []string{
		`{"messages":[{"token":"a","verdict":"ack"},{"token":"b","verdict":"retry","delay":"30s"}]}`, `{"messages":[]}`, `{"messages":[{}]}`,
		`{"messages":[{"token":"","token":"b"}]}`, `{"messages":[],"messages":[]}`, `{"messages":[{"for":"1s","reason":"x"}]} `,
		`{"max":10,"wait":"20s","lease":"1m"}`, `{"max":1,"max":2}`, `{"wait":"1s","wait":""}`, `{}`, ``,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var plain, want settleRequest
		if plain.plain([]byte(body)) && (problem(body, &want) || !reflect.DeepEqual(plain, want)) {
			t.Errorf("%q is read as %+v, want %+v", body, plain, want)
		}
		var pull, wanted pullRequest
		if pull.plain([]byte(body)) && (problem(body, &wanted) || !reflect.DeepEqual(pull, wanted)) {
			t.Errorf("%q is read as %+v, want %+v", body, pull, wanted)
		}
	})
}

// problem reads body as one in another form than the usual one, and reports whether it is none.
func problem(body string, dst any) bool {
	return httpapi.ReadJSON(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)), maxBody, dst) != nil
}

func TestMessageIsWrittenAsItIs(t *testing.T) {
	at, text := time.Unix(1_700_000_000, 5), "a \"text\"\n"
	empty := ""
	for name, c := range map[string]struct {
		m    *message.Message
		want document
	}{
		"all that there is": {
			&message.Message{
				ID: "i", OriginalID: "o", ReceiveCount: 3, FirstReceived: at, Sent: at.Add(-time.Hour), Source: "q", Group: "g\x01é", ContentType: "text/plain",
				Attributes: []message.Attribute{{Name: "a", Value: "1"}, {Name: "b", Value: "\xff"}, {Name: "a", Value: "2"}}, Body: []byte(text),
				Request: &message.Request{Header: http.Header{"Content-Encoding": {"gzip"}}},
			},
			document{
				ID: "i", OriginalID: "o", ReceiveCount: 3, FirstReceived: at.Unix(), Sent: at.Unix() - 3600, Source: "q", Group: "g\x01é", ContentType: "text/plain",
				ContentEncoding: "gzip", Attributes: map[string]string{"a": "2", "b": "\ufffd"}, Body: &text,
			},
		},
		"nothing":             {&message.Message{}, document{ContentType: "x/y", Body: &empty}},
		"a body without text": {&message.Message{Body: []byte("\xff\xfe")}, document{ContentType: "x/y", BodyBase64: []byte("\xff\xfe")}},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.Token, c.want.Deadline = "t", at.Unix()+60
			text := Route{ContentType: "x/y"}.appendMessage([]byte{'{'}, handoff.Handed{Token: "t", Message: c.m, Deadline: at.Add(time.Minute)})
			d := json.NewDecoder(bytes.NewReader(append(text, '}')))
			d.DisallowUnknownFields()
			var got document
			if err := d.Decode(&got); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("written %s, %v; want %+v", text, err, c.want)
			}
			if bytes.Count(text, []byte(`"a":`)) > 1 {
				t.Errorf("a name is twice in %s", text)
			}
		})
	}
}
