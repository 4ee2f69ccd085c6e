package test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"carrier/internal/testkit/programtest"
)

// A streamer takes messages over a WebSocket.
type streamer struct {
	*bench
	address string
	conn    *websocket.Conn
	kept    []streamedFrame // heard while another type was waited for
}

// newStreamer starts the program in front of consumers, and opens a stream.
func newStreamer(t *testing.T, kind string, e env) *streamer {
	t.Helper()
	address := programtest.FreeAddress(t)
	e = env{"CARRIER_TRANSMITTER": "stream", "CARRIER_WORKER_ADDRESS": address}.with(e)
	s := &streamer{bench: newBench(t, kind, absentWorker(t, always(says(200))), e), address: address}
	s.dial()
	return s
}

func (s *streamer) dial() {
	s.t.Helper()
	var err error
	s.conn, _, err = websocket.Dial( //nolint:bodyclose // it is the connection's
		s.t.Context(), "ws://"+s.address+"/v1/stream", &websocket.DialOptions{Subprotocols: []string{"carrier.v1"}},
	)
	must(s.t, err)
	s.t.Cleanup(func() { _ = s.conn.CloseNow() })
}

// A streamedFrame is what carrier says.
type streamedFrame struct {
	Type, Token, Error string
	OK                 bool
	Body               string
	ReceiveCount       int
}

func (s *streamer) say(format string, args ...any) {
	s.t.Helper()
	must(s.t, s.conn.Write(s.t.Context(), websocket.MessageText, fmt.Appendf(nil, format, args...)))
}

// hear waits for a frame of a type, and keeps others for later.
func (s *streamer) hear(kind string) streamedFrame {
	s.t.Helper()
	is := func(f streamedFrame) bool { return f.Type == kind }
	if i := slices.IndexFunc(s.kept, is); i >= 0 {
		f := s.kept[i]
		s.kept = slices.Delete(s.kept, i, i+1)
		return f
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for {
		_, text, err := s.conn.Read(ctx)
		if err != nil {
			s.t.Fatalf("waiting for %s: %v", kind, err)
		}
		var f streamedFrame
		must(s.t, json.Unmarshal(text, &f))
		if is(f) {
			return f
		}
		s.kept = append(s.kept, f)
	}
}

// settle gives a verdict, which the source has to agree to.
func (s *streamer) settle(kind, token string) {
	s.t.Helper()
	s.say(`{"type":"%s","token":"%s"}`, kind, token)
	if f := s.hear("settled"); !f.OK || f.Token != token {
		s.t.Errorf("%s: %+v", kind, f)
	}
}

func TestMessagesAreStreamedAndSettled(t *testing.T) {
	onEverySource(t, func(t *testing.T, kind string) {
		s := newStreamer(t, kind, nil)
		ids := s.putAll("a", "b", "c", "d", "e")
		taken := map[string]int{}
		s.say(`{"type":"credit","most":1}`) // one after the other
		for done := 0; done < len(ids); {
			m := s.hear("message")
			if taken[m.Body]++; m.Body == "b" && m.ReceiveCount == 1 {
				s.settle("retry", m.Token)
				continue
			}
			s.settle("extend", m.Token)
			s.settle("ack", m.Token)
			done++
		}
		if want := map[string]int{"a": 1, "b": 2, "c": 1, "d": 1, "e": 1}; fmt.Sprint(taken) != fmt.Sprint(want) {
			t.Errorf("taken %v, want %v", taken, want)
		}
		s.awaitEmpty()
		s.stop()
	})
}

// Without credit nothing is received, and with credit for one no more than that.
func TestNoMoreIsTakenFromTheQueueThanTheCredit(t *testing.T) {
	t.Parallel()
	s := newStreamer(t, ofSQS, env{"CARRIER_CONCURRENCY": "50"})
	s.putAll("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l")
	s.say(`{"type":"credit","most":1}`)
	m := s.hear("message")
	s.say(`{"type":"credit","most":0}`)
	s.settle("ack", m.Token)
	for name, value := range s.metrics() {
		if strings.HasPrefix(name, "carrier_messages_received_total") && value != 1 {
			t.Errorf("%s %v for one that there was credit for", name, value)
		}
	}
	s.stop()
}

func TestStreamThatEndsGivesItsMessagesBack(t *testing.T) {
	onEverySource(t, func(t *testing.T, kind string) {
		s := newStreamer(t, kind, nil)
		s.put(testMessage{Body: "a"})
		s.say(`{"type":"credit","most":2}`)
		first := s.hear("message")
		must(t, s.conn.CloseNow())
		s.dial()
		s.say(`{"type":"credit","most":2}`)
		if again := s.hear("message"); again.Body != "a" || again.Token == first.Token || again.ReceiveCount != 2 {
			t.Errorf("%+v", again)
		} else {
			s.settle("ack", again.Token)
		}
		s.awaitEmpty()
		s.stop()
	})
}

func TestLeaseThatEndsIsToldOnTheStream(t *testing.T) {
	t.Parallel()
	s := newStreamer(t, ofIngest, env{"CARRIER_PULL_LEASE": "1s"})
	s.put(testMessage{Body: "a"})
	s.say(`{"type":"credit","most":1}`)
	m := s.hear("message")
	if f := s.hear("lost"); f.Token != m.Token {
		t.Errorf("%+v", f)
	}
	s.say(`{"type":"ack","token":"%s"}`, m.Token)
	if f := s.hear("settled"); f.OK || f.Error != "lease-ended" {
		t.Errorf("after its end: %+v", f)
	}
	s.stop()
}

func TestStreamDrains(t *testing.T) {
	onEverySource(t, func(t *testing.T, kind string) {
		s := newStreamer(t, kind, nil)
		s.put(testMessage{Body: "a"})
		s.say(`{"type":"credit","most":5}`)
		m := s.hear("message")
		s.Signal(syscall.SIGTERM)
		s.hear("drain")
		s.settle("ack", m.Token)
		if _, _, err := s.conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("the stream ended with %v", err)
		}
		if s.wait(); s.code != 0 {
			t.Errorf("ended with %d", s.code)
		}
	})
}

func TestKilledCarrierStreamsMessagesAgain(t *testing.T) {
	t.Parallel()
	s := newStreamer(t, ofIngest, nil)
	s.putAll("a", "b", "c")
	s.say(`{"type":"credit","most":1}`)
	s.settle("ack", s.hear("message").Token)
	lost := s.hear("message")
	s.kill()
	s.start()
	s.awaitReady()
	s.dial()
	s.say(`{"type":"ack","token":"%s"}`, lost.Token)
	if f := s.hear("settled"); f.OK || f.Error != "unknown" {
		t.Errorf("a token from before: %+v", f)
	}
	s.say(`{"type":"credit","most":1}`)
	for range 2 {
		s.settle("ack", s.hear("message").Token)
	}
	s.awaitEmpty()
	s.stop()
}
