// Package deadlettertest holds the promises that every store of dead letters keeps, as a suite of
// tests, and a store in memory that keeps them.
package deadlettertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"carrier/internal/deadletter"
	"carrier/message"
	"carrier/receiver"
)

// A Place is where a store's dead letters are, as a test sees it.
type Place interface {
	// Put makes m a dead letter, with the attributes that say why, and returns the letter's id.
	Put(t *testing.T, m *message.Message) string
	// Left is how many letters there are, whatever their state.
	Left(t *testing.T) int
	// Back returns what was moved back, each as carrier's receiver gives it, and those of a group in
	// their order. It is called once, when nothing is under way.
	Back(t *testing.T) []*message.Message
}

// A Harness makes stores for the suite.
type Harness struct {
	// Open returns an opened store over a new and empty place, both closed by t's cleanup.
	Open func(t *testing.T) (deadletter.Store, Place)
	// Places says that the store knows places to list from.
	Places bool
	// Groups says that the place keeps the order of a group.
	Groups bool
	// Timed says that Run makes a bubble of testing/synctest, so that time can be measured.
	Timed bool
	// Run runs one promise; nil calls it as it is.
	Run func(t *testing.T, promise func(t *testing.T))
}

// Run holds the stores of h to every promise of deadletter.Store.
func Run(t *testing.T, h Harness) {
	promises := map[string]func(*testing.T, bench){
		"letters are listed with why they are dead":            listed,
		"a letter is shown with its content":                   shown,
		"a letter that is not there is not found":              notFound,
		"a dropped letter is gone and no other":                dropped,
		"all letters go back as they were":                     allMoved,
		"those that are asked for go back and the others stay": someMoved,
		"a dry run moves nothing":                              dryRun,
		"what is interrupted is neither lost nor doubled":      interrupted,
	}
	if h.Places {
		promises["letters are listed from place to place"] = paged
	}
	if h.Groups {
		promises["a group goes back in its order"] = inOrder
	}
	if h.Timed {
		promises["a rate is kept"] = rateKept
	}
	for name, promise := range promises {
		t.Run(name, func(t *testing.T) {
			run := h.Run
			if run == nil {
				run = func(t *testing.T, promise func(*testing.T)) { promise(t) }
			}
			run(t, func(t *testing.T) {
				store, place := h.Open(t)
				promise(t, bench{store, place})
			})
		})
	}
}

type bench struct {
	deadletter.Store
	place Place
}

// rejected is when the test's letters were rejected.
func rejected() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// letter is a message as it is when it is a dead letter.
func letter(body, group string) *message.Message {
	m := &message.Message{
		ID: "first-" + body, Body: []byte(body), ContentType: "text/plain", Group: group, ReceiveCount: 3,
		FirstReceived: rejected().Add(-time.Hour), Attributes: []message.Attribute{{Name: "colour", Value: "red"}},
	}
	m.Attributes = append(m.Attributes, receiver.DeadLetterAttributes(m, message.Outcome{
		Verdict: message.Rejected, Reason: "too old", Status: 422, Endpoint: "http://worker", Attempted: rejected(),
	})...)
	return m
}

func (b bench) put(t *testing.T, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = b.place.Put(t, letter(fmt.Sprintf("%04d", i), ""))
	}
	return ids
}

// wasFirst reports whether m says which message it was first: that which became the letter, or the
// letter itself where it has kept the message's id.
func wasFirst(m *message.Message, ids []string) bool {
	return m.OriginalID == "first-"+string(m.Body) || m.OriginalID == m.ID && slices.Contains(ids, m.ID)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bodies are those of what was moved back, sorted.
func (b bench) bodies(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, m := range b.place.Back(t) {
		all = append(all, string(m.Body))
	}
	slices.Sort(all)
	return all
}

func numbers(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%04d", i)
	}
	return all
}

func listed(t *testing.T, b bench) {
	ids := b.put(t, 3)
	letters, _, err := b.List(t.Context(), "", 10)
	must(t, err)
	if len(letters) != 3 {
		t.Fatalf("%d letters, want 3", len(letters))
	}
	for _, l := range letters {
		if !slices.Contains(ids, l.ID) {
			t.Errorf("id %s is none of %v", l.ID, ids)
		}
		if l.Reason != "too old" || l.Status != 422 || l.Attempts < 3 || l.Endpoint != "http://worker" || !l.LastAttempt.Equal(rejected()) || l.Bytes != 4 {
			t.Errorf("%+v", l)
		}
		if l.Body != nil || l.Attributes != nil {
			t.Error("the content is listed")
		}
	}
	some, _, err := b.List(t.Context(), "", 2)
	must(t, err)
	if len(some) != 2 {
		t.Errorf("%d letters, want 2", len(some))
	}
}

func paged(t *testing.T, b bench) {
	want := b.put(t, 25)
	var got []string
	for after, more := "", true; more; more = after != "" {
		letters, next, err := b.List(t.Context(), after, 10)
		must(t, err)
		for _, l := range letters {
			got = append(got, l.ID)
		}
		after = next
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d letters are listed: %v, want %v", len(got), got, want)
	}
}

func shown(t *testing.T, b bench) {
	ids := b.put(t, 12)
	l, err := b.Show(t.Context(), ids[11])
	must(t, err)
	if l.ID != ids[11] || string(l.Body) != "0011" || l.Attributes["colour"] != "red" || l.Reason != "too old" {
		t.Errorf("%+v", l)
	}
	for name := range l.Attributes {
		if strings.HasPrefix(name, "Carrier.") {
			t.Errorf("attribute %s is among the producer's own", name)
		}
	}
	if _, err := b.Show(t.Context(), ids[0]); err != nil {
		t.Errorf("one that was passed over: %v", err)
	}
}

func notFound(t *testing.T, b bench) {
	b.put(t, 2)
	if _, err := b.Show(t.Context(), "none"); !errors.Is(err, deadletter.ErrNotFound) {
		t.Errorf("Show: %v", err)
	}
	if err := b.Drop(t.Context(), "none"); !errors.Is(err, deadletter.ErrNotFound) {
		t.Errorf("Drop: %v", err)
	}
	p, err := b.Redrive(t.Context(), deadletter.Request{IDs: []string{"none"}})
	if err != nil || p != (deadletter.Progress{Failed: 1}) {
		t.Errorf("Redrive: %+v, %v", p, err)
	}
	if left := b.place.Left(t); left != 2 {
		t.Errorf("%d are left, want 2", left)
	}
}

func dropped(t *testing.T, b bench) {
	ids := b.put(t, 12)
	must(t, b.Drop(t.Context(), ids[10]))
	if _, err := b.Show(t.Context(), ids[10]); !errors.Is(err, deadletter.ErrNotFound) {
		t.Errorf("it is there: %v", err)
	}
	if left := b.place.Left(t); left != 11 {
		t.Errorf("%d are left, want 11", left)
	}
}
