package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"carrier/internal/batch"
	"carrier/receiver/sqs/jsonscan"
)

func TestAnswerIsReadAsItStands(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"nothing":                      {"", ""},
		"space":                        {" \r\n\t", ""},
		"null for messages":            {`{"Messages":null}`, ""},
		"no messages":                  {`{"Messages":[]}`, ""},
		"a message of nothing":         {`{"Messages":[{}]}`, "[nil nil nil nil nil]"},
		"an empty body":                {`{"Messages":[{"Body":""}]}`, "[nil nil \"\" nil nil]"},
		"escapes":                      {`{"Messages":[{"Body":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 end"}]}`, `[nil nil "\"\\/\b\f\n\r\té😀 end" nil nil]`},
		"half a surrogate":             {`{"Messages":[{"Body":"\ud83d\u0041\udc00"}]}`, `[nil nil "�A�" nil nil]`},
		"bytes that are no UTF-8":      {"{\"Messages\":[{\"Body\":\"a\xffb\"}]}", `[nil nil "a\xffb" nil nil]`},
		"what is not known is skipped": {`{"a":[1,{"b":"]"}],"Messages":[{"x":{"y":[true,null,-1e3]},"MessageId":"m","z":"\""}],"c":"}"}`, `["m" nil nil nil nil]`},
		"values of another kind":       {`{"Messages":[{"MessageId":7,"Body":{"a":1},"ReceiptHandle":"h","MD5OfBody":null,"Attributes":[1]}]}`, `[nil "h" nil nil nil]`},
		"two messages": {`{"Messages" : [ {"MessageId":"a","Attributes":{"MessageGroupId":"g"}} , {"MessageId":"b"} ] }`,
			`["a" nil nil nil "g"]["b" nil nil nil nil]`},
	} {
		t.Run(name, func(t *testing.T) {
			handouts, err := readMessages([]byte(c.answer))
			got := ""
			for _, h := range handouts {
				got += fmt.Sprintf("[%s %s %s %s %s]", quote(h.ID), quote(h.ReceiptHandle), quote(h.Body), quote(h.MD5), quote(h.Group))
			}
			if err != nil || got != c.want {
				t.Errorf("read %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func quote(b []byte) string {
	if b == nil {
		return "nil"
	}
	return strconv.Quote(string(b))
}

func TestNumbersMayBeTextsOrNumbers(t *testing.T) {
	for value, want := range map[string]int64{
		`"3"`: 3, `3`: 3, `3.0`: 3, `1.7e12`: 1_700_000_000_000, `"1700000000000"`: 1_700_000_000_000, `"1.7E12"`: 1_700_000_000_000, `-1`: -1,
		`null`: 0, `true`: 0, `"x"`: 0, `""`: 0, `[3]`: 0, `{"a":3}`: 0, `1e99`: 0, `"NaN"`: 0, `99999999999999999999`: 0,
	} {
		messages, err := readMessages([]byte(`{"Messages":[{"Attributes":{"ApproximateReceiveCount":` + value + `,"SentTimestamp":` + value + `},"Body":"b"}]}`))
		if err != nil || len(messages) != 1 || messages[0].ReceiveCount != want || messages[0].Sent != want || string(messages[0].Body) != "b" {
			t.Errorf("%s: %+v, %v; want %d", value, messages, err, want)
		}
	}
	results, err := readResults([]byte(`{"Successful":[{"Id":1}],"Failed":[{"Id":"2","Code":"c"}]}`))
	if err != nil || len(results) != 2 || results[0].index != 1 || results[1].index != 2 {
		t.Errorf("results %+v, %v", results, err)
	}
}

func TestDamagedBinaryValueIsNotCut(t *testing.T) {
	for value, want := range map[string]struct {
		binary  string
		damaged bool
	}{`AAE=`: {"\x00\x01", false}, `AAE`: {"\x00\x01", false}, ``: {"", false}, `AA*E`: {"", true}, `AAEC=`: {"", true}, `A`: {"", true}} {
		messages, err := readMessages([]byte(`{"Messages":[{"MessageAttributes":{"b":{"DataType":"Binary","BinaryValue":"` + value + `"}}}]}`))
		must(t, err)
		if a := messages[0].Attributes[0]; string(a.Binary) != want.binary || a.Damaged != want.damaged {
			t.Errorf("%q: %q, damaged %v; want %q, %v", value, a.Binary, a.Damaged, want.binary, want.damaged)
		}
	}
}

func TestAnswerThatIsNoJSONIsAnError(t *testing.T) {
	for _, answer := range []string{
		"<html>", "null", "[]", "{", `{"Messages"`, `{"Messages":`, `{"Messages":[`, `{"Messages":[{`, `{"Messages":[{"Body":"`, `{"Messages":[{"Body":"\`,
		`{"Messages":[{"Body":"\x"}]}`, `{"Messages":[{"Body":"\u00g0"}]}`, `{"Messages":[{"Body":"\u00"}]}`, `{"Messages":[{}{}]}`, `{"Messages":[{};{}]}`, `{"Messages":[}`, `{"Messages":[{]]}`,
		`{"Messages":[],}`, `{"a":,}`, `{"a" 1}`, `{a:1}`, `{"a":[1,2`, `{"a":]}`, `{"a":"b\\\"}`,
	} {
		if handouts, err := readMessages([]byte(answer)); !errors.Is(err, jsonscan.ErrNotJSON) {
			t.Errorf("%s: %d messages, %v; want an error", answer, len(handouts), err)
		}
	}
}

func TestDecoderIsLinear(t *testing.T) {
	const n = 1 << 20 // a decoder that looks for the end at every escape would take hours
	for name, part := range map[string]string{"escapes": `\n`, "quotes": `\"`, "backslashes": `\\`, "brackets": ""} {
		answer := []byte(`{"Messages":[{"Body":"` + string(bytes.Repeat([]byte(part), n/2)) + `"}]}`)
		if part == "" {
			answer = append([]byte(`{"a":`), bytes.Repeat([]byte("["), n)...)
		}
		handouts, err := readMessages(answer)
		if part == "" && err == nil || part != "" && (err != nil || len(handouts[0].Body) != n/2) {
			t.Errorf("%s: %d messages, %v", name, len(handouts), err)
		}
	}
}

// FuzzReceiveAnswer holds the decoder against encoding/json.
func FuzzReceiveAnswer(f *testing.F) {
	f.Add([]byte(`{"Messages":[{"MessageId":"a","ReceiptHandle":"h","MD5OfBody":"00","Body":"{\"a\":1}","Attributes":{"SentTimestamp":1700000000000,"ApproximateReceiveCount":2}}]}`))
	f.Add([]byte(`{"Messages":[{"MessageId":"a","Body":"\ud83d\ude00\n\"","MessageAttributes":{"n":{"DataType":"Binary.x","BinaryValue":"AAE="},"s":{"DataType":"String","StringValue":"\/"}},"Attributes":{"SentTimestamp":"17","ApproximateReceiveCount":"x"}}]}`))
	f.Add([]byte(`{"Failed":[{"Id":"1","Code":"c","Message":"m","SenderFault":true}],"Successful":[{"Id":"0"},{}]}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		handouts, err := readMessages(bytes.Clone(answer))
		results, _ := readResults(bytes.Clone(answer))
		var whole map[string]any
		if !utf8.Valid(answer) || !distinctKeys(answer) || numbered(answer, &whole) != nil || whole == nil {
			return
		}
		if want := wantMessages(whole); err != nil || !slices.EqualFunc(handouts, want, func(a, b ReceivedMessage) bool { return reflect.DeepEqual(a, b) }) {
			t.Errorf("read %+v, %v; want %+v", handouts, err, want)
		}
		slices.SortStableFunc(results, func(a, b entryResult) int { return strings.Compare(fmt.Sprint(a.failed), fmt.Sprint(b.failed)) })
		if want := wantResults(whole); !reflect.DeepEqual(results, want) {
			t.Errorf("read %+v, want %+v", results, want)
		}
	})
}

// numbered decodes data, and keeps numbers as they are written.
func numbered(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(into)
}

// wantNumber reads a number, or a text that is one; 0 where it is neither.
func wantNumber(v any) int64 {
	n, _ := wantInteger(v)
	return n
}

func wantInteger(v any) (int64, bool) {
	written := string(text(v))
	if n, is := v.(json.Number); is {
		written = n.String()
	}
	n, err := strconv.ParseInt(written, 10, 64)
	if err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(written, 64)
	if err != nil || !(math.Abs(f) < 1<<53) {
		return 0, false
	}
	return int64(f), true
}

// distinctKeys reports whether data is JSON in which no object names a member twice.
func distinctKeys(data []byte) bool {
	d := json.NewDecoder(bytes.NewReader(data))
	var value func() bool
	value = func() bool {
		start, err := d.Token()
		names := map[any]bool{}
		for err == nil && (start == json.Delim('{') || start == json.Delim('[')) && d.More() {
			if start == json.Delim('{') {
				name, err := d.Token()
				if err != nil || names[name] {
					return false
				}
				names[name] = true
			}
			if !value() {
				return false
			}
		}
		if err == nil && (start == json.Delim('{') || start == json.Delim('[')) {
			_, err = d.Token()
		}
		return err == nil
	}
	return value() && !d.More()
}

func wantMessages(whole map[string]any) []ReceivedMessage {
	var list []ReceivedMessage
	for _, m := range elements(whole["Messages"]) {
		h := ReceivedMessage{ID: text(m["MessageId"]), ReceiptHandle: text(m["ReceiptHandle"]), Body: text(m["Body"]), MD5: text(m["MD5OfBody"])}
		s, _ := m["Attributes"].(map[string]any)
		h.Group, h.Trace = text(s["MessageGroupId"]), text(s["AWSTraceHeader"])
		h.ReceiveCount, h.Sent = wantNumber(s["ApproximateReceiveCount"]), wantNumber(s["SentTimestamp"])
		h.FirstReceived = wantNumber(s["ApproximateFirstReceiveTimestamp"])
		own, _ := m["MessageAttributes"].(map[string]any)
		for name, a := range own {
			a, _ := a.(map[string]any)
			want := Attribute{Name: name, Type: string(text(a["DataType"])), Text: string(text(a["StringValue"]))}
			if value, there := a["BinaryValue"]; there {
				want.Binary, want.Damaged = decodeBinary(text(value))
			}
			h.Attributes = append(h.Attributes, want)
		}
		sortAttributes(h.Attributes)
		list = append(list, h)
	}
	return list
}

func wantResults(whole map[string]any) []entryResult {
	list := []entryResult{}
	for _, name := range []string{"Successful", "Failed"} {
		for _, e := range elements(whole[name]) {
			r := entryResult{index: -1, failed: name == "Failed", code: string(text(e["Code"])), message: string(text(e["Message"]))}
			if n, ok := wantInteger(e["Id"]); ok {
				r.index = int(n)
			}
			r.senderFault, _ = e["SenderFault"].(bool)
			list = append(list, r)
		}
	}
	return list
}

// elements returns what stands in an array, each as the object that it is or an empty one.
func elements(array any) []map[string]any {
	var list []map[string]any
	values, _ := array.([]any)
	for _, v := range values {
		object, _ := v.(map[string]any)
		list = append(list, object)
	}
	return list
}

func text(v any) []byte {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	return []byte(s)
}

func TestRequestsAreValidJSON(t *testing.T) {
	const odd = "\x00\"\\\n\té\u2028😀</a>"
	batch := []*batch.Entry{{ID: odd}, {ID: "h", Seconds: 43200}, {ID: "a\nb"}}
	for name, c := range map[string]struct {
		p    Request
		want string
	}{
		"deletions": {deletions(odd, batch), `{"Entries":[{"Id":"0","ReceiptHandle":ODD},{"Id":"1","ReceiptHandle":"h"},{"Id":"2","ReceiptHandle":"a\nb"}],"QueueUrl":ODD}`},
		"changes":   {changes("u", batch[1:2]), `{"Entries":[{"Id":"0","ReceiptHandle":"h","VisibilityTimeout":43200}],"QueueUrl":"u"}`},
		"receive": {ReceiveRequest("u", 7, 20, 30),
			`{"AttributeNames":["All"],"MaxNumberOfMessages":7,"MessageAttributeNames":["All"],"MessageSystemAttributeNames":["All"],"QueueUrl":"u","VisibilityTimeout":30,"WaitTimeSeconds":20}`},
		"receive by the queue's own times": {ReceiveRequest("u", 1, 0, 0),
			`{"AttributeNames":["All"],"MaxNumberOfMessages":1,"MessageAttributeNames":["All"],"MessageSystemAttributeNames":["All"],"QueueUrl":"u"}`},
	} {
		quoted, err := json.Marshal(odd)
		must(t, err)
		var got, want any
		must(t, json.Unmarshal(c.p.body, &got))
		must(t, json.Unmarshal(bytes.ReplaceAll([]byte(c.want), []byte("ODD"), quoted), &want))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s, want %s", name, c.p.body, c.want)
		}
	}
}

func TestAnswerIsReadWithOrWithoutItsLength(t *testing.T) {
	for name, c := range map[string]struct {
		buffer int
		length int64
		sent   string
		err    error
	}{
		"known, into a new buffer":  {0, 5, "hello", nil},
		"known, into one that is":   {64, 5, "hello", nil},
		"unknown":                   {0, -1, "hello", nil},
		"unknown, into one that is": {2, -1, "hello", nil},
		"none":                      {0, 0, "", nil},
		"cut off":                   {0, 9, "hello", io.ErrUnexpectedEOF},
		"longer than an answer is":  {0, maxAnswer + 1, "", errAnswerTooLong},
	} {
		got, err := readAnswer(make([]byte, 0, c.buffer), bytes.NewReader([]byte(c.sent)), c.length)
		if !errors.Is(err, c.err) || string(got) != c.sent {
			t.Errorf("%s: %q, %v; want %q, %v", name, got, err, c.sent, c.err)
		}
	}
}
