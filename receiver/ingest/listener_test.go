package ingest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const oneByte = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"

// ask sends one message, and reads its answer.
func (w wire) ask(t *testing.T) {
	t.Helper()
	w.say(t, oneByte)
	w.hear(t).id(t)
}

func (p *pipes) wire() wire { return newWire(p.dial()) }

// A log keeps what was warned about.
type testLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *testLog) warn(messageID, text string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, strings.TrimSpace(fmt.Sprintln(messageID, text, err)))
}

func (l *testLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

func TestConnectionIdleLongestMakesWay(t *testing.T) {
	for name, first := range map[string]func(t *testing.T, w wire){
		"silent since it was made": func(*testing.T, wire) {},
		"idle after a request":     func(t *testing.T, w wire) { w.ask(t) },
		"in the middle of a head":  func(t *testing.T, w wire) { w.say(t, "POST / HTTP/1.1\r\nHo") },
	} {
		t.Run(name, func(t *testing.T) {
			var p pipes
			bubble(t, Options{MaxConnections: 2}, &p, func(t *testing.T, r single) {
				oldest := p.wire()
				first(t, oldest)
				time.Sleep(time.Second)
				second := p.wire()
				second.ask(t)
				third := p.wire()
				third.ask(t)
				oldest.closed(t)
				second.ask(t) // which has been active later, and stays
				if n := r.Connections(); n != 2 {
					t.Errorf("%d connections, want 2", n)
				}
				_, _ = second.Close(), third.Close()
			})
		})
	}
}

func TestBodyThatHasStalledMakesWay(t *testing.T) {
	var p pipes
	bubble(t, Options{MaxConnections: 1}, &p, func(t *testing.T, r single) {
		stalled := p.wire()
		stalled.say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
		begun := time.Now()
		next := p.wire()
		next.ask(t)
		if waited := time.Since(begun); waited < stalledAfter || waited > stalledAfter+2*time.Second {
			t.Errorf("the next producer waited %v, want %v", waited, stalledAfter)
		}
		stalled.closed(t)
		wantStored(t, r, 1)
		_ = next.Close()
	})
}

func TestConnectionInUseIsWaitedFor(t *testing.T) {
	var p pipes
	bubble(t, Options{MaxConnections: 1}, &p, func(t *testing.T, r single) {
		sending := p.wire()
		sending.say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
		next := make(chan wire, 1)
		go func() {
			w := p.wire()
			_, _ = io.WriteString(w.Conn, oneByte)
			next <- w
		}()
		for range 10 {
			time.Sleep(stalledAfter - time.Second)
			wantStored(t, r, 0)
			sending.say(t, "a")
		}
		sending.hear(t).id(t)
		w := <-next
		w.hear(t).id(t)
		_, _ = sending.Close(), w.Close()
	})
}

func TestFullListenerIsToldOnceAndItsEndToo(t *testing.T) {
	var p pipes
	var log testLog
	bubble(t, Options{MaxConnections: 10, Warn: log.warn}, &p, func(t *testing.T, _ single) {
		var all []wire
		for range 30 {
			w := p.wire()
			w.ask(t)
			all = append(all, w)
			time.Sleep(time.Millisecond)
		}
		if got := log.text(); strings.Count(got, "all 10 connections are open") != 1 || strings.Contains(got, "below") {
			t.Errorf("logged %q, want one line about the limit", got)
		}
		for _, w := range all {
			_ = w.Close()
		}
		synctest.Wait()
		if got := log.text(); strings.Count(got, "below the limit of 10 again") != 1 {
			t.Errorf("logged %q, want one line about its end", got)
		}
	})
}

func TestListenerThatFailsIsTriedAgain(t *testing.T) {
	p := pipes{fail: errors.New("too many open files")}
	bubble(t, Options{}, &p, func(t *testing.T, _ single) {
		w := p.wire()
		w.ask(t)
		_ = w.Close()
	})
}

// A connection is closed for a new one only where it has no request: what arrives at that moment
// is stored and answered, or neither.
func TestNothingIsStoredOfAConnectionThatMadeWay(t *testing.T) {
	r := start(t, Options{MaxConnections: 4})
	var wg sync.WaitGroup
	var mu sync.Mutex
	answered := 0
	for range 16 {
		wg.Go(func() {
			for range 25 {
				conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.Addr().String())
				if err != nil {
					continue
				}
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				_, _ = io.WriteString(conn, oneByte)
				line, _ := bufio.NewReader(conn).ReadString('\n')
				_ = conn.Close()
				if strings.Contains(line, " 200 ") {
					mu.Lock()
					answered++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if answered == 0 {
		t.Error("nobody was answered")
	}
	wantStored(t, r, answered)
}

func TestOnlyAnIdleConnectionIsClosedForANewOne(t *testing.T) {
	for name, c := range map[string]struct {
		state int32
		want  bool
	}{
		"waiting for a request": {stateWaiting, true},
		"receiving a body":      {stateReceiving, true},
		"answering":             {stateAnswering, false},
		"closed already":        {stateClosed, false},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := net.Pipe()
			defer func() { _, _ = near.Close(), far.Close() }()
			conn := newConn(far, newListener(nil, nil, Options{}, nil))
			conn.state.Store(c.state)
			if got := conn.closeIdle(); got != c.want {
				t.Errorf("closeIdle = %v, want %v", got, c.want)
			}
			if conn.move(stateWaiting, stateReceiving) {
				t.Error("a request is handled of a connection that does not wait for one")
			}
		})
	}
}
