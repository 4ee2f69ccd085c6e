package webhook

import (
	"net/http"
	"testing"
	"time"

	"carrier/message"
)

// With GetBody, or a key by which it takes a request for a repeatable one, net/http may
// make a request again by itself.
func TestRequestCannotBeRepeatedByNetHTTP(t *testing.T) {
	b, err := newBuilder(Options{Endpoint: Endpoint{scheme: "http", host: "worker", path: "/"}, Replay: true}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	req, err := b.build(&message.Message{ID: "a", Body: []byte("x"), Request: &message.Request{
		Method: "POST", Path: "/", Header: http.Header{"Idempotency-Key": {"k"}, "X-Idempotency-Key": {"k"}},
	}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if req.GetBody != nil {
		t.Error("GetBody is set")
	}
	if req.Header.Get("Idempotency-Key") != "" || req.Header.Get("X-Idempotency-Key") != "" {
		t.Error("net/http sees the idempotency key")
	}
}
