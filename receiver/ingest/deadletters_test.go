package ingest

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"carrier/message"
	"carrier/receiver/ingest/deadletters"
)

// reject makes a dead letter of the next message of r.
func reject(t *testing.T, r *Receiver, o message.Outcome) *message.Message {
	t.Helper()
	batch, err := r.Receive(t.Context(), 1)
	if err != nil || len(batch) != 1 {
		t.Fatalf("Receive = %v, %v", batch, err)
	}
	o.Verdict, o.Action = message.Rejected, message.DeadLetter
	if err := r.Settle(t.Context(), batch[0], o); err != nil {
		t.Fatal(err)
	}
	return batch[0]
}

func attribute(all []message.Attribute, name string) string {
	for _, a := range all {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

func TestRedrivenMessageSaysWhatItWas(t *testing.T) {
	s, r := startSeveral(t, Options{Subscriptions: []Subscription{{Name: ""}, {Name: "mail"}}})
	id := send(t, single{s, r[0]}, "POST", "/a", "body", "Content-Type: text/x", "X-Carrier-Attribute-Color: red", "X-Carrier-Group-Id: g").id(t)
	begun := time.Now()
	for range 2 { // its second time as a dead letter takes the place of the first
		m := reject(t, r[0], message.Outcome{Reason: "no such user", Status: 422, Endpoint: "http://localhost/hook", Attempted: begun})
		letters, _ := s.DeadLetters()
		found, next, err := letters.List("default", "", 10)
		if err != nil || len(found) != 1 || next != "" {
			t.Fatalf("List = %+v, %q, %v", found, next, err)
		}
		l, err := letters.Show(found[0].Key)
		if err != nil || l.ID != id || l.Route != "default" || l.Group != "g" || string(l.Body) != "body" || l.Bytes != 4 || l.ContentType != "text/x" ||
			attribute(l.Attributes, "Color") != "red" || l.Reason.Text != "no such user" || l.Reason.Status != 422 || l.Reason.Attempts != 1 ||
			l.Reason.Endpoint != "http://localhost/hook" || !l.Reason.LastAttempt.Equal(begun) || !l.Reason.FirstReceived.Equal(m.FirstReceived) {
			t.Errorf("Show = %+v, %v", l, err)
		}
		if errs := letters.Redrive(t.Context(), found); errs[0] != nil {
			t.Fatal(errs)
		}
	}
	m := receive(t, single{s, r[0]})
	if m.ID != id || m.OriginalID != id || m.ReceiveCount != 1 || m.Group != "g" || string(m.Body) != "body" || m.ContentType != "text/x" || m.Request.Path != "/a" {
		t.Errorf("received %+v", m)
	}
	if len(m.Attributes) != 7 || attribute(m.Attributes, "Color") != "red" || attribute(m.Attributes, "Carrier.Reason") != "no such user" ||
		attribute(m.Attributes, "Carrier.Status") != "422" || attribute(m.Attributes, "Carrier.Attempts") != "1" {
		t.Errorf("its attributes are %+v", m.Attributes)
	}
	if c := r[1].Counts(); c.Messages != 1 || c.DeadMessages != 0 {
		t.Errorf("the other subscription has %+v", c)
	}
}

// TestLettersWithoutAnAttemptSayNone: what was given up or evicted was not tried at the end.
func TestLettersWithoutAnAttemptSayNone(t *testing.T) {
	s, r := startSeveral(t, Options{})
	send(t, single{s, r[0]}, "POST", "/", "b").id(t)
	reject(t, r[0], message.Outcome{Reason: "too old"})
	letters, _ := s.DeadLetters()
	found, _, err := letters.List("", "", 1)
	if err != nil || len(found) != 1 || found[0].Reason.Attempts != 0 {
		t.Fatalf("List = %+v, %v", found, err)
	}
	if errs := letters.Redrive(t.Context(), found); errs[0] != nil {
		t.Fatal(errs)
	}
	m := receive(t, single{s, r[0]})
	if attribute(m.Attributes, "Carrier.Attempts") != "0" || attribute(m.Attributes, "Carrier.LastAttempt") != "" {
		t.Errorf("its attributes are %+v", m.Attributes)
	}
}

func TestDeadLettersAreListedByRoute(t *testing.T) {
	s, r := startSeveral(t, Options{Subscriptions: []Subscription{{Name: "a"}, {Name: "b"}}})
	if _, ok := New(Options{}).DeadLetters(); ok {
		t.Error("there are dead letters before Open")
	}
	ids := []string{send(t, single{s, r[0]}, "POST", "/", "1").id(t), send(t, single{s, r[0]}, "POST", "/", "2").id(t)}
	for range ids {
		reject(t, r[0], message.Outcome{Status: http.StatusTeapot})
		reject(t, r[1], message.Outcome{Status: http.StatusTeapot})
	}
	letters, _ := s.DeadLetters()
	page, next, err := letters.List("b", "", 1)
	if err != nil || len(page) != 1 || page[0].ID != ids[0] || page[0].Route != "b" || next == "" {
		t.Fatalf("List = %+v, %q, %v", page, next, err)
	}
	if page, next, err = letters.List("b", next, 1); err != nil || len(page) != 1 || page[0].ID != ids[1] || next != "" {
		t.Errorf("the second page = %+v, %q, %v", page, next, err)
	}
	if all, _, err := letters.List("", "", 10); err != nil || len(all) != 4 {
		t.Errorf("all = %+v, %v", all, err)
	}
	if _, _, err := letters.List("", "nonsense", 10); !errors.Is(err, deadletters.ErrCursor) {
		t.Errorf("List behind nonsense = %v", err)
	}
	found, err := letters.Find("a", ids[1], "none")
	if err != nil || len(found) != 1 || found[0].Route != "a" {
		t.Fatalf("Find = %+v, %v", found, err)
	}
	if err := letters.Drop(t.Context(), found[0].Key); err != nil {
		t.Fatal(err)
	}
	if _, err := letters.Show(found[0].Key); !errors.Is(err, deadletters.ErrNotFound) {
		t.Errorf("Show of one that was dropped = %v", err)
	}
	if a, b := r[0].Counts(), r[1].Counts(); a.DeadMessages != 1 || b.DeadMessages != 2 {
		t.Errorf("dead letters: %d and %d", a.DeadMessages, b.DeadMessages)
	}
}
