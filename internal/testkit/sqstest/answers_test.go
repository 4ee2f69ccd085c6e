package sqstest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"carrier/internal/testkit/sqstest"
)

// A plainAnswer is what plain HTTP sees of an answer.
type plainAnswer struct {
	status int
	header http.Header
	body   string
}

// post makes one call by plain HTTP.
func post(t *testing.T, endpoint, op, body string) plainAnswer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "AmazonSQS."+op)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return plainAnswer{resp.StatusCode, resp.Header, string(answer)}
}

const allAttributes = `,"MessageSystemAttributeNames":["All"],"MessageAttributeNames":["All"]`

// receivedBy is the first message that a server of these options hands out for a receive that asks
// for more, with its answers edited.
func receivedBy(t *testing.T, o sqstest.Options, more string, edits ...func(map[string]any)) map[string]any {
	t.Helper()
	s, endpoint := sqstest.Start(t, o)
	q, err := s.CreateQueue("q", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Send(sqstest.Message{Body: "m", Attributes: map[string]sqstest.Attribute{"a": sqstest.Text("1"), "b": {DataType: "Binary", BinaryValue: []byte{0, 0, 0}}}}); err != nil {
		t.Fatal(err)
	}
	s.Always("ReceiveMessage", sqstest.Fault{Edit: sqstest.EachMessage(edits...)})
	answer := post(t, endpoint, "ReceiveMessage", `{"QueueUrl":"`+q.URL(endpoint)+`"`+more+`}`)
	var out struct{ Messages []map[string]any }
	if err := json.Unmarshal([]byte(answer.body), &out); err != nil || len(out.Messages) != 1 {
		t.Fatalf("received %s, %v", answer.body, err)
	}
	return out.Messages[0]
}

func TestAnswersOfOtherServersCanBeHad(t *testing.T) {
	count := func(m map[string]any) any {
		attributes, _ := m["Attributes"].(map[string]any)
		return attributes["ApproximateReceiveCount"]
	}
	body := func(m map[string]any) any { return m["MD5OfBody"] }
	attributes := func(m map[string]any) any { return m["MD5OfMessageAttributes"] }
	binary := func(m map[string]any) any {
		all, _ := m["MessageAttributes"].(map[string]any)
		b, _ := all["b"].(map[string]any)
		return b["BinaryValue"]
	}
	for name, c := range map[string]struct {
		options sqstest.Options
		asked   string
		edit    func(map[string]any)
		see     func(map[string]any) any
		want    any
	}{
		"old names only, asked by the new": {sqstest.Options{OldAttributeNames: true}, allAttributes, func(map[string]any) {}, count, nil},
		"old names only, asked by them":    {sqstest.Options{OldAttributeNames: true}, `,"AttributeNames":["All"]`, func(map[string]any) {}, count, "1"},
		"no receive count":                 {sqstest.Options{}, allAttributes, sqstest.WithoutAttributes("ApproximateReceiveCount"), count, nil},
		"the count as a number":            {sqstest.Options{}, allAttributes, sqstest.CountsAsNumbers, count, float64(1)},
		"the digest in capitals":           {sqstest.Options{}, allAttributes, sqstest.UpperCaseDigests, body, "6F8F57715090DA2632453988D9A1501B"},
		"the digest is empty":              {sqstest.Options{}, allAttributes, sqstest.EmptyDigests, attributes, ""},
		"the digest is wrong":              {sqstest.Options{}, allAttributes, sqstest.WrongDigest("x", "m"), body, strings.Repeat("0", 32)},
		"a binary value is damaged":        {sqstest.Options{}, allAttributes, sqstest.DamagedBinary, binary, "AAA*"},
		"the digest of another is wrong":   {sqstest.Options{}, allAttributes, sqstest.WrongDigest("x"), body, "6f8f57715090da2632453988d9a1501b"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.see(receivedBy(t, c.options, c.asked, c.edit)); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestPageOfAProxyIsNoAnswerOfTheService(t *testing.T) {
	s, endpoint := sqstest.Start(t, sqstest.Options{})
	s.Inject("GetQueueUrl", sqstest.Fault{Page: sqstest.HTMLPage(http.StatusForbidden)})
	got := post(t, endpoint, "GetQueueUrl", `{"QueueName":"q"}`)
	if got.status != http.StatusForbidden || !strings.Contains(got.body, "403 Forbidden") || got.header.Get("Content-Type") != "text/html" {
		t.Errorf("got %+v", got)
	}
	for _, name := range []string{"X-Amzn-Requestid", "X-Amzn-Query-Error"} {
		if got.header.Get(name) != "" {
			t.Errorf("it has the service's header %s", name)
		}
	}
}
