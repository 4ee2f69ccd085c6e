package workerapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"carrier/message"
	"carrier/transmitter/handoff/stream"
)

// pipes is a listener whose connections are in memory, without a buffer: what is not read blocks.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.closed) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p.conns <- there
	return here, nil
}

// A streamed is a server that serves connections in memory.
type streamed struct {
	*bench
	pipes *pipes
	ended chan error
}

func newStreamed(t *testing.T) *streamed {
	t.Helper()
	b := newBench(Options{})
	s := &streamed{bench: b, pipes: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}, ended: make(chan error, 1)}
	b.listener = s.pipes
	go func() { s.ended <- b.Serve() }()
	return s
}

// close ends the server.
func (s *streamed) close(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := errors.Join(s.Close(ctx), <-s.ended); err != nil {
		t.Errorf("close: %v", err)
	}
}

// onStream runs f in a bubble with a server, and a client that has said so much credit; with 0 it has
// said nothing.
func onStream(t *testing.T, most int, f func(t *testing.T, s *streamed, c *client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t)
		defer s.close(t)
		c := s.dial(t)
		if most > 0 {
			c.say(`{"type":"credit","most":%d}`, most)
			synctest.Wait()
		}
		f(t, s, c)
	})
}

// A client is the other end of a stream.
type client struct {
	t    *testing.T
	conn *websocket.Conn
	raw  net.Conn
}

// said is any frame of carrier's.
type said struct {
	Type  string
	OK    bool
	Error string
	document
}

func (s *streamed) dial(t *testing.T) *client {
	t.Helper()
	c := &client{t: t}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		var err error
		c.raw, err = s.pipes.dial(ctx, network, address)
		return c.raw, err
	}}
	conn, answer, err := websocket.Dial( //nolint:bodyclose // it is the connection's
		t.Context(), "ws://127.0.0.1:9020/v1/stream", &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{stream.Protocol},
		})
	if err != nil {
		t.Fatalf("dial: %v, %v", answer, err)
	}
	conn.SetReadLimit(-1)
	c.conn = conn
	return c
}

func (c *client) say(format string, args ...any) {
	c.t.Helper()
	if err := c.conn.Write(c.t.Context(), websocket.MessageText, fmt.Appendf(nil, format, args...)); err != nil {
		c.t.Errorf("write: %v", err)
	}
}

func (c *client) hear() (said, error) {
	_, text, err := c.conn.Read(c.t.Context())
	var f said
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	return f, err
}

// expect hears a frame of a type.
func (c *client) expect(kind string) said {
	c.t.Helper()
	f, err := c.hear()
	if err != nil || f.Type != kind {
		c.t.Fatalf("heard %+v, %v, want %s", f, err, kind)
	}
	return f
}

// expectEnd hears that the stream is closed, and why.
func (c *client) expectEnd(code websocket.StatusCode) {
	c.t.Helper()
	if f, err := c.hear(); websocket.CloseStatus(err) != code {
		c.t.Errorf("heard %+v, %v, want a close with %d", f, err, code)
	}
}

func TestStreamDeliversAndSettles(t *testing.T) {
	onStream(t, 10, func(t *testing.T, s *streamed, c *client) {
		large := strings.Repeat("é", 100<<10)
		for id, body := range map[string]string{"ack": "text", "retry": "\xff", "dead-letter": "", "retry later": large} {
			go s.offer(t.Context(), id, body)
		}
		var messages []said
		for range 4 {
			messages = append(messages, c.expect("message"))
		}
		for _, m := range messages {
			body := string(m.BodyBase64)
			if m.Body != nil {
				body = *m.Body
			}
			if given := map[string]string{"ack": "text", "retry": "\xff", "dead-letter": "", "retry later": large}[m.ID]; body != given || m.Attributes["n"] != "v" || m.Source != "q" || m.ReceiveCount != 1 || m.Deadline == 0 {
				t.Errorf("%s: %.100v", m.ID, m)
			}
			c.say(`{"type":"extend","token":"%s","for":"1m"}`, m.Token)
			if f := c.expect("settled"); !f.OK || f.Token != m.Token {
				t.Errorf("extend: %+v", f)
			}
			kind, later, _ := strings.Cut(m.ID, " ")
			if c.say(`{"type":"%s","token":"%s","reason":"so"%s}`, kind, m.Token, map[string]string{"later": `,"delay":"30s"`}[later]); true {
				if f := c.expect("settled"); !f.OK || f.Error != "" || f.Token != m.Token {
					t.Errorf("%s: %+v", m.ID, f)
				}
			}
			c.say(`{"type":"%s","token":"%s"}`, map[bool]string{true: "retry", false: "ack"}[kind == "ack"], m.Token)
			if f := c.expect("settled"); f.OK || f.Error != "settled-otherwise" {
				t.Errorf("another verdict: %+v", f)
			}
		}
		causes := map[string]int{}
		for range 4 {
			o := <-s.outcomes
			causes[fmt.Sprintf("%v %v %v", o.Verdict, o.Cause, o.Delay)]++
		}
		if len(causes) != 4 {
			t.Errorf("outcomes %v", causes)
		}
		c.say(`{"type":"ack","token":"other"}`)
		if f := c.expect("settled"); f.OK || f.Error != "unknown" {
			t.Errorf("an unknown token: %+v", f)
		}
		_ = c.conn.Close(websocket.StatusNormalClosure, "")
	})
}

// Between the pieces of a long message pings are answered, however slowly the client reads.
func TestLongMessagesGoOutInPieces(t *testing.T) {
	onStream(t, 1, func(t *testing.T, s *streamed, c *client) {
		go s.offer(t.Context(), "a", strings.Repeat("x", 100<<10))
		var head [2]byte
		if _, err := io.ReadFull(c.raw, head[:]); err != nil || head[0] != 1 {
			t.Errorf("the first frame begins with %x, %v: it is not a piece of a text", head, err)
		}
		_ = c.raw.Close()
		<-s.outcomes
		_ = c.conn.CloseNow()
	})
}

func TestStreamThatClosesFailsWhatItHeld(t *testing.T) {
	for name, leave := range map[string]func(*client){
		"a close":            func(c *client) { _ = c.conn.Close(websocket.StatusNormalClosure, "") },
		"a connection ended": func(c *client) { _ = c.raw.Close() },
		"a wrong frame":      func(c *client) { c.say(`{}`); c.expect("error"); c.expectEnd(websocket.StatusPolicyViolation) },
	} {
		t.Run(name, func(t *testing.T) {
			onStream(t, 3, func(t *testing.T, s *streamed, c *client) {
				begun := time.Now()
				for _, id := range []string{"a", "b"} {
					go s.offer(t.Context(), id, "x")
				}
				first := c.expect("message")
				c.expect("message")
				c.say(`{"type":"ack","token":"%s"}`, first.Token)
				c.expect("settled")
				if o := <-s.outcomes; o.Verdict != message.Delivered {
					t.Errorf("acknowledged: %+v", o)
				}
				leave(c)
				if o := <-s.outcomes; o.Cause != message.Failed || o.Code != "error" || time.Since(begun) > time.Second {
					t.Errorf("held: %+v after %v", o, time.Since(begun))
				}
				synctest.Wait()
				if n := s.streams.count.Load(); n != 0 {
					t.Errorf("%d streams are counted", n)
				}
				_ = c.conn.CloseNow()
			})
		})
	}
}

func TestStreamTellsOfWhatIsLost(t *testing.T) {
	onStream(t, 1, func(t *testing.T, s *streamed, c *client) {
		begun := time.Now()
		go s.offer(t.Context(), "a", "x")
		m := c.expect("message")
		if f := c.expect("lost"); f.Token != m.Token || time.Since(begun) != 30*time.Second {
			t.Errorf("%+v after %v", f, time.Since(begun))
		}
		if o := <-s.outcomes; o.Code != "timeout" {
			t.Errorf("outcome %+v", o)
		}
		c.say(`{"type":"ack","token":"%s"}`, m.Token)
		if f := c.expect("settled"); f.OK || f.Error != "lease-ended" {
			t.Errorf("afterwards: %+v", f)
		}
		go s.offer(t.Context(), "b", "x") // there is room for it
		m = c.expect("message")
		w := s.do(t, "POST", "/v1/messages/"+m.Token+"/ack", "") // in another way
		if w.Code != 204 {
			t.Errorf("settled over HTTP: %d %s", w.Code, w.Body)
		}
		synctest.Wait()
		go s.offer(t.Context(), "c", "x")
		c.expect("message")
		_ = c.conn.CloseNow()
	})
}

// TestStreamHoldsExactlyItsCredit changes the credit at random in front of more messages than that.
func TestStreamHoldsExactlyItsCredit(t *testing.T) {
	onStream(t, 0, func(t *testing.T, s *streamed, c *client) {
		heard := make(chan said, 1000)
		go func() {
			for {
				f, err := c.hear()
				if err != nil {
					return
				}
				heard <- f
			}
		}()
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 1000 {
			go s.offerUntilTaken(ctx, fmt.Sprint(i))
		}
		random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's
		held, credit := map[string]bool{}, 0
		for done := 0; done < 500; {
			if random.IntN(2) == 0 {
				credit = random.IntN(9)
				c.say(`{"type":"credit","most":%d}`, credit)
			}
			for token := range held {
				if random.IntN(2) == 0 {
					c.say(`{"type":"%s","token":"%s"}`, []string{"ack", "retry"}[random.IntN(2)], token)
					delete(held, token)
					done++
				}
			}
			want := max(credit, len(held)) // what came before a lower credit stays
			synctest.Wait()
			for len(heard) > 0 {
				if f := <-heard; f.Type == "message" {
					held[f.Token] = true
				} else if !f.OK {
					t.Fatalf("heard %+v", f)
				}
			}
			if n, err := s.readyNow(t); err == nil || len(held) != want {
				t.Fatalf("%d held, want %d, and %d asked for", len(held), want, n)
			}
		}
		cancel()
		_ = c.conn.CloseNow()
		synctest.Wait()
	})
}

// offerUntilTaken has a message transmitted until it is acknowledged, whenever consumers ask for one.
func (b *bench) offerUntilTaken(ctx context.Context, id string) {
	for {
		if _, err := b.table.Ready(ctx, 0); err != nil {
			return
		}
		m := &message.Message{ID: id}
		o := b.table.Transmit(ctx, m)
		b.table.Settled(m, nil)
		if o.Verdict == message.Delivered || ctx.Err() != nil {
			return
		}
	}
}

// readyNow is how many messages are asked for; an error where there is none.
func (s *streamed) readyNow(t *testing.T) (int, error) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	return s.table.Ready(ended, 0)
}

func TestCreditIsCutToTheConcurrency(t *testing.T) {
	onStream(t, 1000000, func(t *testing.T, s *streamed, c *client) {
		if n, err := s.readyNow(t); n != most || err != nil {
			t.Errorf("ready for %d, %v", n, err)
		}
		for i := range most {
			go s.offer(t.Context(), fmt.Sprint(i), "x")
			c.expect("message")
		}
		synctest.Wait()
		if n, err := s.readyNow(t); err == nil {
			t.Errorf("ready for %d beside all that it may hold", n)
		}
		_ = c.conn.CloseNow()
		for range most {
			<-s.outcomes
		}
	})
}

func TestFramesThatAreNoneAreToldAndEndTheStream(t *testing.T) {
	for name, c := range map[string]struct {
		kind websocket.MessageType
		text string
		says string
		code websocket.StatusCode
	}{
		"binary":                    {websocket.MessageBinary, `{"type":"credit","most":1}`, "text", websocket.StatusUnsupportedData},
		"no UTF-8":                  {websocket.MessageText, "{\"type\":\"ack\",\"token\":\"\xff\"}", "UTF-8", websocket.StatusInvalidFramePayloadData},
		"nothing":                   {websocket.MessageText, ``, "JSON", websocket.StatusPolicyViolation},
		"no JSON":                   {websocket.MessageText, `credit 1`, "JSON", websocket.StatusPolicyViolation},
		"JSON cut off":              {websocket.MessageText, `{"type":"credit"`, "JSON", websocket.StatusPolicyViolation},
		"two values":                {websocket.MessageText, `{"type":"credit","most":1} {}`, "more after it", websocket.StatusPolicyViolation},
		"an array":                  {websocket.MessageText, `[]`, "JSON", websocket.StatusPolicyViolation},
		"null":                      {websocket.MessageText, `null`, "type", websocket.StatusPolicyViolation},
		"no type":                   {websocket.MessageText, `{"most":1}`, "credit, ack, retry", websocket.StatusPolicyViolation},
		"a type nobody knows":       {websocket.MessageText, `{"type":"nack","token":"t"}`, "credit, ack, retry", websocket.StatusPolicyViolation},
		"a frame of carrier's":      {websocket.MessageText, `{"type":"settled","token":"t"}`, "credit, ack, retry", websocket.StatusPolicyViolation},
		"a field nobody knows":      {websocket.MessageText, `{"type":"ack","tokn":"t"}`, "tokn", websocket.StatusPolicyViolation},
		"no token":                  {websocket.MessageText, `{"type":"ack"}`, "token", websocket.StatusPolicyViolation},
		"no most":                   {websocket.MessageText, `{"type":"credit"}`, "most", websocket.StatusPolicyViolation},
		"a most below zero":         {websocket.MessageText, `{"type":"credit","most":-1}`, "most", websocket.StatusPolicyViolation},
		"a most that is not whole":  {websocket.MessageText, `{"type":"credit","most":1.5}`, "most", websocket.StatusPolicyViolation},
		"a most beyond all numbers": {websocket.MessageText, `{"type":"credit","most":1e99}`, "most", websocket.StatusPolicyViolation},
		"a delay too long":          {websocket.MessageText, `{"type":"retry","token":"t","delay":"13h"}`, "delay", websocket.StatusPolicyViolation},
		"an extension too short":    {websocket.MessageText, `{"type":"extend","token":"t","for":"1ms"}`, "for", websocket.StatusPolicyViolation},
		"a frame too large":         {websocket.MessageText, `{"type":"ack","token":"t","reason":"` + strings.Repeat("x", 64<<10) + `"}`, "65536", websocket.StatusMessageTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStreamed(t)
				defer s.close(t)
				peer := s.dial(t)
				go func() { _ = peer.conn.Write(t.Context(), c.kind, []byte(c.text)) }()
				if f := peer.expect("error"); !strings.Contains(f.Error, c.says) {
					t.Errorf("told %q, want it to name %s", f.Error, c.says)
				}
				peer.expectEnd(c.code)
				_ = peer.conn.CloseNow()
			})
		})
	}
}

// TestBytesThatAreNoFrameEndTheStream writes what no library would.
func TestBytesThatAreNoFrameEndTheStream(t *testing.T) {
	for name, bytes := range map[string]string{
		"not masked":          "\x81\x02{}",
		"a reserved bit":      "\xc1\x80\x00\x00\x00\x00",
		"a reserved opcode":   "\x83\x80\x00\x00\x00\x00",
		"a continuation":      "\x80\x80\x00\x00\x00\x00",
		"a long ping":         "\x89\xfe\x00\x7e\x00\x00\x00\x00",
		"a ping in pieces":    "\x09\x80\x00\x00\x00\x00",
		"a negative length":   "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",
		"more than is sent":   "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00" + strings.Repeat(" ", 65<<10),
		"a frame without end": "\x81\x85\x00\x00\x00\x00{",
		"HTTP":                "GET / HTTP/1.1\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			onStream(t, 1, func(t *testing.T, s *streamed, c *client) {
				go s.offer(t.Context(), "a", "x")
				c.expect("message")
				go func() { _, _ = c.raw.Write([]byte(bytes)) }()
				drain := make(chan struct{})
				go func() {
					defer close(drain)
					for buf := make([]byte, 1024); ; {
						if _, err := c.raw.Read(buf); err != nil {
							return
						}
					}
				}()
				if o := <-s.outcomes; o.Cause != message.Failed {
					t.Errorf("outcome %+v", o)
				}
				<-drain // the server closes in the end, whatever the client does
				_ = c.conn.CloseNow()
			})
		})
	}
}

func TestClientThatAnswersNoPingIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t)
		defer s.close(t)
		answering, silent := s.dial(t), s.dial(t)
		for _, c := range []*client{answering, silent} {
			c.say(`{"type":"credit","most":1}`)
			synctest.Wait()
			go s.offer(t.Context(), "a", "x")
			m := c.expect("message")
			c.say(`{"type":"extend","token":"%s","for":"1h"}`, m.Token)
			c.expect("settled")
		}
		begun := time.Now()
		go func() { _, _ = answering.hear() }()
		go func() {
			for buf := make([]byte, 1024); ; {
				if _, err := silent.raw.Read(buf); err != nil {
					return
				}
			}
		}()
		if o := <-s.outcomes; o.Cause != message.Failed || time.Since(begun) > 40*time.Second {
			t.Errorf("outcome %+v after %v", o, time.Since(begun))
		}
		time.Sleep(5 * time.Minute)
		if n := s.streams.count.Load(); n != 1 || len(s.outcomes) != 0 {
			t.Errorf("%d streams are open", n)
		}
		_, _ = answering.conn, silent.conn.CloseNow()
		_ = answering.conn.CloseNow()
	})
}

func TestClientThatDoesNotReadIsGoneAndHoldsLittle(t *testing.T) {
	onStream(t, 5, func(t *testing.T, s *streamed, c *client) {
		begun := time.Now()
		for i := range 5 {
			go s.offer(t.Context(), fmt.Sprint(i), "x")
		}
		for range 5 { // none was written: none was handed over
			if o := <-s.outcomes; o.Cause != message.Unreached {
				t.Errorf("outcome %+v", o)
			}
		}
		if took := time.Since(begun); took != 15*time.Second {
			t.Errorf("gone after %v", took)
		}
		_ = c.raw.Close()
		_ = c.conn.CloseNow()
	})
}

// A client that floods carrier with verdicts on a message that its source says nothing of is not read
// from beyond a bound, and goes on afterwards.
func TestFloodOfVerdictsIsBounded(t *testing.T) {
	onStream(t, 1, func(t *testing.T, s *streamed, c *client) {
		m := &message.Message{ID: "a"}
		go s.table.Transmit(t.Context(), m)
		token := c.expect("message").Token
		const all = 700
		written := make(chan struct{}, all)
		go func() {
			for range all {
				c.say(`{"type":"ack","token":"%s"}`, token)
				written <- struct{}{}
			}
		}()
		synctest.Wait()
		if n := len(written); n < 256 || n > 256+3 {
			t.Errorf("%d verdicts were read", n)
		}
		begun := time.Now()
		for range 256 {
			if f := c.expect("settled"); f.OK || f.Error != "unconfirmed" {
				t.Fatalf("%+v", f)
			}
		}
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("unconfirmed after %v", took)
		}
		s.table.Settled(m, nil)
		for range all - 256 {
			if f := c.expect("settled"); !f.OK {
				t.Fatalf("%+v", f)
			}
		}
		_ = c.conn.CloseNow()
	})
}

func TestDrainOfAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t)
		c, idle := s.dial(t), s.dial(t)
		c.say(`{"type":"credit","most":5}`)
		synctest.Wait()
		go s.offer(t.Context(), "a", "x")
		m := c.expect("message")
		s.Drain()
		c.expect("drain")
		idle.expect("drain")
		idle.expectEnd(websocket.StatusGoingAway)
		c.say(`{"type":"credit","most":9}`)
		synctest.Wait()
		if n, err := s.readyNow(t); err == nil {
			t.Errorf("ready for %d while it drains", n)
		}
		c.say(`{"type":"extend","token":"%s","for":"1m"}`, m.Token)
		c.expect("settled")
		c.say(`{"type":"ack","token":"%s"}`, m.Token)
		if f := c.expect("settled"); !f.OK {
			t.Errorf("%+v", f)
		}
		c.expectEnd(websocket.StatusGoingAway)
		if w := s.do(t, "GET", "/v1/stream", ""); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("a stream while it drains: %d", w.Code)
		}
		s.close(t)
	})
}

func TestStreamsEndWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t)
		c, deaf := s.dial(t), s.dial(t)
		for _, c := range []*client{c, deaf} {
			c.say(`{"type":"credit","most":1}`)
			synctest.Wait()
			go s.offer(t.Context(), "a", "x")
			synctest.Wait()
		}
		c.expect("message")
		go s.close(t) // while one holds a message, and the other does not read
		c.expect("drain")
		c.expectEnd(websocket.StatusGoingAway)
		for range 2 {
			if o := <-s.outcomes; o.Verdict != message.Retry {
				t.Errorf("outcome %+v", o)
			}
		}
		time.Sleep(time.Minute)
		_ = deaf.conn.CloseNow()
	})
}

func TestStreamsAreBounded(t *testing.T) {
	b := newBench(Options{})
	b.streams.count.Store(maxStreams)
	if w := b.do(t, "GET", "/v1/stream", ""); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if n := b.streams.count.Load(); n != maxStreams {
		t.Errorf("%d streams are counted", n)
	}
}
