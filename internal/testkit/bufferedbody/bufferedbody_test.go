package bufferedbody

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A closable is a body that is at its end once it is closed, as the SDK's are.
type closable struct {
	io.Reader
}

func (c *closable) Close() error {
	c.Reader = strings.NewReader("")
	return nil
}

func TestBodyThatTheSDKClosesIsSentWhole(t *testing.T) {
	original := &closable{strings.NewReader("body")}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://sqs.test", original)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = 4
	held, err := readBody(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = req.Body.Close()
	body, err := io.ReadAll(held.Body)
	again, _ := held.GetBody()
	second, _ := io.ReadAll(again)
	if err != nil || string(body) != "body" || string(second) != "body" || held.ContentLength != 4 {
		t.Errorf("body = %q, %q, %v, of length %d", body, second, err, held.ContentLength)
	}
}
