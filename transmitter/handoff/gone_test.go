package handoff

import (
	"errors"
	"fmt"
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

func TestConsumersAreToldWhatTheyHaveLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		asking := s.table.Ask(2, 0)
		for _, id := range []string{"a", "b"} {
			go s.offer(t.Context(), id)
			synctest.Wait()
		}
		a, b := <-asking.Messages(), <-asking.Messages()
		if err := settle(t, s.table, b.Token, Verdict{Kind: Ack}); err != nil {
			t.Error(err)
		}
		begun := time.Now()
		<-a.Lost
		if took := time.Since(begun); took != lease {
			t.Errorf("lost after %v", took)
		}
		select {
		case <-b.Lost:
			t.Error("what is settled was lost")
		default:
		}
	})
}
