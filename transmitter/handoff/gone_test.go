package handoff

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
)

func TestWantChangesHowManyAreHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		asking, other := s.table.Ask(3, 0), s.table.Ask(1, 0)
		asking.Want(0)
		if n, err := s.table.Ready(t.Context(), 0); n != 1 || err != nil {
			t.Errorf("ready for %d, %v after one has paused", n, err)
		}
		asking.Want(2) // behind the other one
		for i := range 4 {
			go s.offer(t.Context(), fmt.Sprint(i))
			synctest.Wait()
		}
		asking.Want(9) // there is room for one beside the two that nobody has received
		if n, err := s.table.Ready(t.Context(), 0); n != 1 || err != nil {
			t.Errorf("ready for %d, %v", n, err)
		}
		if o := s.outcome("3"); o.Cause != message.Unreached {
			t.Errorf("one more than wanted: %+v", o)
		}
		first, rest := other.Close(), asking.Close()
		if len(first) != 1 || first[0].ID != "0" || len(rest) != 2 {
			t.Errorf("handed over: %v and %v", first, rest)
		}
		for _, h := range append(first, rest...) {
			s.table.Unread(h.Token)
		}
	})
}

func TestAbandonedMessageIsAFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		asking := s.table.Ask(2, 0)
		for _, id := range []string{"a", "b"} {
			go s.offer(t.Context(), id)
			synctest.Wait()
		}
		a, b := <-asking.Messages(), <-asking.Messages()
		s.table.Abandon(a.Token)
		if err := settle(t, s.table, b.Token, Verdict{Kind: Ack}); err != nil {
			t.Error(err)
		}
		s.table.Abandon(b.Token) // there is a verdict
		synctest.Wait()
		if o := s.outcome("a"); o.Cause != message.Failed || o.Code != "error" {
			t.Errorf("abandoned: %+v", o)
		}
		if o := s.outcome("b"); o.Verdict != message.Delivered {
			t.Errorf("settled before: %+v", o)
		}
		if err := settle(t, s.table, a.Token, Verdict{Kind: Ack}); !errors.Is(err, ErrUnknown) {
			t.Errorf("settled afterwards: %v", err)
		}
	})
}

// ends notes what a watch is told of.
type ends struct {
	mu     sync.Mutex
	handed int
	lost   map[string]bool // by token
	at     map[string]time.Time
}

func (e *ends) Handed() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.handed++
}

func (e *ends) Ended(token string, lost bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, twice := e.lost[token]; twice {
		panic("told twice")
	}
	e.lost[token], e.at[token] = lost, time.Now()
}

func TestConsumersAreToldWhatBecomesOfWhatTheyHave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, e := newSource(), &ends{lost: map[string]bool{}, at: map[string]time.Time{}}
		asking := s.table.Open(4, 0, e)
		asking.Want(4)
		tokens := map[string]string{}
		for i, id := range []string{"lost", "settled", "abandoned", "unread"} {
			go s.offer(t.Context(), id)
			synctest.Wait()
			tokens[id] = (<-asking.Messages()).Token
			if e.handed != i+1 {
				t.Errorf("told of %d messages, want %d", e.handed, i+1)
			}
		}
		begun := time.Now()
		if err := settle(t, s.table, tokens["settled"], Verdict{Kind: Ack}); err != nil {
			t.Error(err)
		}
		s.table.Abandon(tokens["abandoned"])
		s.table.Unread(tokens["unread"])
		time.Sleep(2 * lease)
		synctest.Wait()
		for id, want := range map[string]struct {
			lost  bool
			after time.Duration
		}{"lost": {true, lease}, "settled": {}, "abandoned": {}, "unread": {}} {
			at, told := e.at[tokens[id]]
			if !told || e.lost[tokens[id]] != want.lost || at.Sub(begun) != want.after {
				t.Errorf("%s: told %v after %v that it is lost: %v", id, told, at.Sub(begun), e.lost[tokens[id]])
			}
		}
	})
}

func TestWhatConsumersWantAndHoldIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		expect := func(when string, wanted, held int) {
			t.Helper()
			if w, h := s.table.Counts(); w != wanted || h != held {
				t.Errorf("%s: %d wanted and %d held, want %d and %d", when, w, h, wanted, held)
			}
		}
		expect("at the start", 0, 0)
		asking := s.table.Ask(2, 0)
		expect("asked", 2, 0)
		m := &message.Message{ID: "a"}
		go s.table.Transmit(t.Context(), m)
		h := <-asking.Messages()
		expect("handed over", 1, 1)
		if _, err := s.table.Decide(h.Token, Verdict{Kind: Ack}); err != nil {
			t.Error(err)
		}
		expect("decided", 1, 0)
		s.table.Settled(m, nil)
		expect("settled", 1, 0)
		go s.offer(t.Context(), "b")
		<-asking.Messages()
		expect("handed over again", 0, 1)
		time.Sleep(lease)
		synctest.Wait()
		expect("lost", 0, 0)
	})
}
