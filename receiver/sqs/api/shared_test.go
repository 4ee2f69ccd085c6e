package api

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"carrier/receiver"
	"carrier/receiver/sqs/environment"
)

// queueServer answers each call, and counts connections.
func queueServer(t *testing.T) (url string, connections *atomic.Int64) {
	connections = &atomic.Int64{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"QueueUrl":"http://q/1/q"}`)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, connections
}

func TestClientsOfOneServiceShareIt(t *testing.T) {
	url, connections := queueServer(t)
	var shared Shared
	connect := func(o environment.Options) *Client {
		t.Helper()
		c, _, err := Connect(t.Context(), Options{Options: o, Shared: &shared, Observer: receiver.NoObserver{}})
		must(t, err)
		t.Cleanup(c.Close)
		return c
	}
	ask := func(c *Client) {
		t.Helper()
		_, err := c.QueueURL(t.Context(), "q", "")
		must(t, err)
	}
	one, two := connect(environment.Options{QueueURL: url + "/1/a"}), connect(environment.Options{QueueURL: url + "/1/b"})
	other := connect(environment.Options{QueueURL: url + "/1/a", Region: "eu-west-1"})
	if one.service != two.service {
		t.Error("two queues of one server do not share it")
	}
	if one.service == other.service || other.Region() != "eu-west-1" {
		t.Error("another region's requests are signed for the first one's")
	}
	ask(one)
	ask(two)
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for two calls one after the other, want 1", n)
	}
	one.Close()
	one.Close() // counts once
	ask(two)
	if n := connections.Load(); n != 1 {
		t.Error("the connection was closed with a client that is one of two")
	}
	two.Close()
	if len(shared.services) != 1 {
		t.Errorf("%d services are kept, want the one that is in use", len(shared.services))
	}
	third := connect(environment.Options{QueueURL: url + "/1/a"})
	ask(third)
	if third.service == one.service || connections.Load() != 2 {
		t.Error("a service that was closed is used again")
	}
}
