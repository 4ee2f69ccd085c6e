package webhook_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/webhook"
)

// TestTheNextEndpointGetsTheMessageWhenTheConnectionBeforeIsClosed is a first worker that reads the
// request and does not answer in time, and a second one that answers once the first has seen the end
// of its connection.
func TestTheNextEndpointGetsTheMessageWhenTheConnectionBeforeIsClosed(t *testing.T) {
	closed := make(chan struct{})
	_, first := listenTCP(t, func(w *rawWorker, c net.Conn) {
		r := bufio.NewReader(c)
		readRequest(w, r)
		if _, err := r.ReadByte(); err != nil {
			close(closed)
		}
	})
	headers := make(chan http.Header, 1)
	_, second := listenTCP(t, func(_ *rawWorker, c net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		headers <- req.Header
		select {
		case <-closed:
		case <-time.After(waitTimeout):
			t.Error("the first worker's connection is open while the second has the message")
		}
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	var told []message.Outcome
	f := transmitter.NewFailover(transmitter.FailoverOptions{
		Endpoints: []transmitter.Transmitter{
			open(t, webhook.Options{Endpoint: first, RequestTimeout: 50 * time.Millisecond}),
			open(t, webhook.Options{Endpoint: second, Failover: true}),
		},
		Attempted: func(_ *message.Message, o message.Outcome) { told = append(told, o) },
	})
	o := f.Transmit(t.Context(), newMessage("a", "x"))
	if o.Verdict != message.Delivered || len(told) != 1 || told[0].Code != "timeout" || told[0].Endpoint != first.String() {
		t.Errorf("outcome %+v, told of %+v", o, told)
	}
	header := <-headers
	if got := header.Values("X-Carrier-Failover"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("X-Carrier-Failover is %q", got)
	}
}

func TestAFailoverOverTheWire(t *testing.T) {
	const answered, accepts = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 3\r\n\r\nno\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	cases := map[string]struct {
		first func(w *rawWorker, c net.Conn)
		code  string
	}{
		"an answer that is complete": {answering(answered), "5xx"},
		"a broken answer":            {answeringOnce("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), "error"},
		"a closed connection":        {answeringOnce(""), "error"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, first := listenTCP(t, c.first)
			w, second := listenTCP(t, answering(accepts))
			var told []message.Outcome
			f := transmitter.NewFailover(transmitter.FailoverOptions{
				Endpoints: []transmitter.Transmitter{open(t, webhook.Options{Endpoint: first}), open(t, webhook.Options{Endpoint: second})},
				Attempted: func(_ *message.Message, o message.Outcome) { told = append(told, o) },
			})
			o := f.Transmit(t.Context(), newMessage("a", "x"))
			if o.Verdict != message.Delivered || w.requests.Load() != 1 || len(told) != 1 || told[0].Code != c.code {
				t.Errorf("outcome %+v, %d posts to the second, told of %+v", o, w.requests.Load(), told)
			}
		})
	}
}

func TestOnlyTheEndpointAndChannelAfterAnotherSaySo(t *testing.T) {
	for name, c := range map[string]struct {
		opts              webhook.Options
		failover, channel []string
	}{
		"the first":                         {webhook.Options{}, nil, nil},
		"the second endpoint":               {webhook.Options{Failover: true}, []string{"1"}, nil},
		"the second channel":                {webhook.Options{Channel: "backup"}, nil, []string{"backup"}},
		"the second channel's next address": {webhook.Options{Failover: true, Channel: "backup"}, []string{"1"}, []string{"backup"}},
	} {
		t.Run(name, func(t *testing.T) {
			e, heads := capture(t)
			c.opts.Endpoint = e
			open(t, c.opts).Transmit(t.Context(), newMessage("a", ""))
			head := next(t, heads)
			if got := valuesOf(head, "X-Carrier-Failover"); !slices.Equal(got, c.failover) {
				t.Errorf("X-Carrier-Failover is %q, want %q", got, c.failover)
			}
			if got := valuesOf(head, "X-Carrier-Channel"); !slices.Equal(got, c.channel) {
				t.Errorf("X-Carrier-Channel is %q, want %q", got, c.channel)
			}
		})
	}
}

func TestTheDeadlineIsTheLeastOfWhatIsLeft(t *testing.T) {
	for name, c := range map[string]struct {
		left, want time.Duration // left 0: nothing else limits it
	}{
		"the attempt's own":         {0, time.Hour},
		"more is left":              {2 * time.Hour, time.Hour},
		"less is left":              {time.Minute, time.Minute},
		"nearly nothing is left":    {time.Millisecond, time.Second},
		"it has been over for long": {-time.Hour, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			e, heads := capture(t)
			before := time.Now()
			tr := open(t, webhook.Options{Endpoint: e, RequestTimeout: time.Hour})
			m := newMessage("a", "")
			if c.left != 0 {
				m.Bound(before.Add(c.left))
			}
			tr.Transmit(t.Context(), m)
			after := time.Now()
			deadline, err := strconv.ParseInt(valuesOf(next(t, heads), "X-Carrier-Deadline")[0], 10, 64)
			if least, most := before.Add(c.want).Unix(), after.Add(c.want).Unix(); err != nil || deadline < least || deadline > most {
				t.Errorf("deadline %d, want %d to %d", deadline, least, most)
			}
		})
	}
}

func TestAnAttemptEndsWhenNothingIsLeft(t *testing.T) {
	_, e := listenTCP(t, func(w *rawWorker, c net.Conn) {
		r := bufio.NewReader(c)
		readRequest(w, r)
		_, _ = r.ReadByte() // until the other side gives up
	})
	tr := open(t, webhook.Options{Endpoint: e, RequestTimeout: time.Hour})
	m := newMessage("a", "x")
	m.Bound(time.Now().Add(-time.Minute))
	ctx, cancel := context.WithTimeoutCause(t.Context(), waitTimeout, errors.New("it goes on"))
	defer cancel()
	if o := tr.Transmit(ctx, m); o.Code != "timeout" {
		t.Errorf("outcome %+v, %v", o, context.Cause(ctx))
	}
}
