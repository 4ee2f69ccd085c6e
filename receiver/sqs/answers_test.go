package sqs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"carrier/internal/batch"
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
				got += fmt.Sprintf("[%s %s %s %s %s]", quote(h.id), quote(h.handle), quote(h.body), quote(h.sum), quote(h.group))
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

func TestAnswerThatIsNoJSONIsAnError(t *testing.T) {
	for _, answer := range []string{
		"<html>", "null", "[]", "{", `{"Messages"`, `{"Messages":`, `{"Messages":[`, `{"Messages":[{`, `{"Messages":[{"Body":"`, `{"Messages":[{"Body":"\`,
		`{"Messages":[{"Body":"\x"}]}`, `{"Messages":[{"Body":"\u00g0"}]}`, `{"Messages":[{"Body":"\u00"}]}`, `{"Messages":[{}{}]}`, `{"Messages":[{};{}]}`, `{"Messages":[}`, `{"Messages":[{]]}`,
		`{"Messages":[],}`, `{"a":,}`, `{"a" 1}`, `{a:1}`, `{"a":[1,2`, `{"a":]}`, `{"a":"b\\\"}`,
	} {
		if handouts, err := readMessages([]byte(answer)); !errors.Is(err, errNotJSON) {
			t.Errorf("%s: %d messages, %v; want an error", answer, len(handouts), err)
		}
	}
}

func TestDecoderIsLinear(t *testing.T) {
	const n = 4 << 20 // a decoder that looks for the end at every escape would take hours
	for name, part := range map[string]string{"escapes": `\n`, "quotes": `\"`, "backslashes": `\\`, "brackets": ""} {
		answer := []byte(`{"Messages":[{"Body":"` + string(bytes.Repeat([]byte(part), n/2)) + `"}]}`)
		if part == "" {
			answer = append([]byte(`{"a":`), bytes.Repeat([]byte("["), n)...)
		}
		handouts, err := readMessages(answer)
		if part == "" && err == nil || part != "" && (err != nil || len(handouts[0].body) != n/2) {
			t.Errorf("%s: %d messages, %v", name, len(handouts), err)
		}
	}
}

// FuzzReceiveAnswer holds the decoder against encoding/json.
func FuzzReceiveAnswer(f *testing.F) {
	f.Add([]byte(tenMessages(64)))
	f.Add([]byte(`{"Messages":[{"MessageId":"a","Body":"\ud83d\ude00\n\"","MessageAttributes":{"n":{"DataType":"Binary.x","BinaryValue":"AAE="},"s":{"DataType":"String","StringValue":"\/"}},"Attributes":{"SentTimestamp":"17","ApproximateReceiveCount":"x"}}]}`))
	f.Add([]byte(`{"Failed":[{"Id":"1","Code":"c","Message":"m","SenderFault":true}],"Successful":[{"Id":"0"},{}]}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		handouts, err := readMessages(bytes.Clone(answer))
		results, _ := readResults(bytes.Clone(answer))
		var whole map[string]any
		if !utf8.Valid(answer) || !distinctKeys(answer) || json.Unmarshal(answer, &whole) != nil || whole == nil {
			return
		}
		if want := wantMessages(whole); err != nil || !slices.EqualFunc(handouts, want, func(a, b handout) bool { return reflect.DeepEqual(a, b) }) {
			t.Errorf("read %+v, %v; want %+v", handouts, err, want)
		}
		slices.SortStableFunc(results, func(a, b entryResult) int { return strings.Compare(fmt.Sprint(a.failed), fmt.Sprint(b.failed)) })
		if want := wantResults(whole); !reflect.DeepEqual(results, want) {
			t.Errorf("read %+v, want %+v", results, want)
		}
	})
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

func wantMessages(whole map[string]any) []handout {
	var list []handout
	for _, m := range elements(whole["Messages"]) {
		h := handout{id: text(m["MessageId"]), handle: text(m["ReceiptHandle"]), body: text(m["Body"]), sum: text(m["MD5OfBody"])}
		s, _ := m["Attributes"].(map[string]any)
		h.group, h.trace = text(s["MessageGroupId"]), text(s["AWSTraceHeader"])
		h.count, h.sent = number(text(s["ApproximateReceiveCount"])), number(text(s["SentTimestamp"]))
		h.first = number(text(s["ApproximateFirstReceiveTimestamp"]))
		own, _ := m["MessageAttributes"].(map[string]any)
		for name, a := range own {
			a, _ := a.(map[string]any)
			binary, _ := base64.StdEncoding.AppendDecode(nil, text(a["BinaryValue"]))
			h.attributes = append(h.attributes, attribute{name, string(text(a["DataType"])), string(text(a["StringValue"])), binary})
		}
		sortAttributes(h.attributes)
		list = append(list, h)
	}
	return list
}

func wantResults(whole map[string]any) []entryResult {
	list := []entryResult{}
	for _, name := range []string{"Successful", "Failed"} {
		for _, e := range elements(whole[name]) {
			r := entryResult{index: -1, failed: name == "Failed", code: string(text(e["Code"])), message: string(text(e["Message"]))}
			if n, err := strconv.Atoi(string(text(e["Id"]))); err == nil {
				r.index = n
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

func TestPayloadsAreValidJSON(t *testing.T) {
	const odd = "\x00\"\\\n\té\u2028😀</a>"
	batch := []*batch.Entry{{ID: odd}, {ID: "h", Seconds: 43200}, {ID: "a\nb"}}
	for name, c := range map[string]struct {
		p    payload
		want string
	}{
		"deletions": {deletions(odd, batch), `{"Entries":[{"Id":"0","ReceiptHandle":ODD},{"Id":"1","ReceiptHandle":"h"},{"Id":"2","ReceiptHandle":"a\nb"}],"QueueUrl":ODD}`},
		"changes":   {changes("u", batch[1:2]), `{"Entries":[{"Id":"0","ReceiptHandle":"h","VisibilityTimeout":43200}],"QueueUrl":"u"}`},
		"receive": {receiveOf("u", 7, 20, 30),
			`{"MaxNumberOfMessages":7,"MessageAttributeNames":["All"],"MessageSystemAttributeNames":["All"],"QueueUrl":"u","VisibilityTimeout":30,"WaitTimeSeconds":20}`},
		"receive by the queue's own times": {receiveOf("u", 1, 0, 0),
			`{"MaxNumberOfMessages":1,"MessageAttributeNames":["All"],"MessageSystemAttributeNames":["All"],"QueueUrl":"u"}`},
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
