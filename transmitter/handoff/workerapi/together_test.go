package workerapi

import (
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"

	"carrier/message"
	"carrier/transmitter/handoff"
)

// TestFramesThatAreThereAreWrittenTogether has two messages come while the client does not read.
func TestFramesThatAreThereAreWrittenTogether(t *testing.T) {
	for name, c := range map[string]struct {
		reads func(c *client)
		want  map[message.Cause]int
	}{
		"one write brings both": {func(c *client) {
			room := make([]byte, 64<<10)
			n, err := c.raw.Read(room)
			if got := strings.Count(string(room[:n]), `"type":"message"`); got != 2 || err != nil {
				c.t.Errorf("one read has %d messages, %v", got, err)
			}
		}, map[message.Cause]int{message.Failed: 3}},
		"what was written whole was handed over": {func(c *client) { c.readRaw() }, map[message.Cause]int{message.Failed: 2, message.Unreached: 1}},
		"what was not was not":                   {func(c *client) { _, _ = c.raw.Read(make([]byte, 10)) }, map[message.Cause]int{message.Failed: 1, message.Unreached: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			onStream(t, 3, func(t *testing.T, s *streamed, client *client) {
				for _, id := range []string{"a", "b", "c"} { // the first one is being written then
					go s.offer(t.Context(), id, strings.Repeat("x", 200))
					synctest.Wait()
				}
				client.readRaw()
				c.reads(client)
				_ = client.raw.Close()
				got := map[message.Cause]int{}
				for range 3 {
					got[(<-s.outcomes).Cause]++
				}
				for cause, n := range c.want {
					if got[cause] != n {
						t.Errorf("%d ended so: %v; want %d", got[cause], cause, n)
					}
				}
				_ = client.conn.CloseNow()
			})
		})
	}
}

// TestCreditIsFreedByAnyVerdict has the source say nothing to it.
func TestCreditIsFreedByAnyVerdict(t *testing.T) {
	for name, frames := range map[string][]string{
		"over the stream":                    {"ack"},
		"over the stream, after more time":   {"extend", "ack"},
		"over HTTP":                          {""},
		"over HTTP, after more time for it":  {"extend", ""},
		"over HTTP, after the same by frame": {"ack", ""},
	} {
		t.Run(name, func(t *testing.T) {
			onStream(t, 1, func(t *testing.T, s *streamed, c *client) {
				go s.table.Transmit(t.Context(), &message.Message{ID: "a"})
				token := c.expect("message").Token
				for _, kind := range frames {
					synctest.Wait()
					switch kind {
					case "":
						if _, err := s.table.Decide(token, handoff.Verdict{Kind: handoff.Ack}); err != nil {
							t.Error(err)
						}
					case "extend":
						c.say(`{"type":"extend","token":"%s"}`, token)
						c.expect("settled")
					default:
						c.say(`{"type":"%s","token":"%s"}`, kind, token)
					}
				}
				synctest.Wait()
				if n, err := s.readyNow(t); n != 1 {
					t.Errorf("ready for %d, %v", n, err)
				}
				_ = c.conn.CloseNow()
			})
		})
	}
}

func TestFramesBeforeAWrongOneAreAnswered(t *testing.T) {
	for range 50 { // who is first is chance
		onStream(t, 0, func(t *testing.T, s *streamed, c *client) {
			c.say(`{"type":"ack","token":"a"}`)
			synctest.Wait() // its answer is being written, and nobody reads
			c.say(`{"type":"ack","token":"b"}`)
			c.say(`{"type":"wrong"}`)
			synctest.Wait()
			for _, token := range []string{"a", "b"} {
				if f := c.expect("settled"); f.Token != token || f.Error != "unknown" {
					t.Errorf("heard %+v of %s", f, token)
				}
			}
			c.expect("error")
			c.expectEnd(websocket.StatusPolicyViolation)
		})
	}
}

func TestWaitsAndStreamsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t)
		defer s.close(t)
		expect := func(when string, waits, streams int) {
			t.Helper()
			synctest.Wait()
			if w, open := s.Counts(); w != waits || open != streams {
				t.Errorf("%s: %d waits and %d streams, want %d and %d", when, w, open, waits, streams)
			}
		}
		expect("at the start", 0, 0)
		c := s.dial(t)
		expect("a stream", 0, 1)
		answered := make(chan struct{})
		go func() {
			s.do(t, "GET", "/v1/next?wait=1s", "")
			close(answered)
		}()
		expect("a wait", 1, 1)
		<-answered
		_ = c.conn.CloseNow()
		expect("at the end", 0, 0)
	})
}

// readRaw reads one frame of less than 64 KiB as it is.
func (c *client) readRaw() {
	c.t.Helper()
	var head [4]byte
	_, err := io.ReadFull(c.raw, head[:])
	if err == nil && head[1] != 126 {
		c.t.Fatalf("the frame begins with %x", head)
	}
	if err == nil {
		_, err = io.ReadFull(c.raw, make([]byte, binary.BigEndian.Uint16(head[2:])))
	}
	if err != nil {
		c.t.Fatal(err)
	}
}
