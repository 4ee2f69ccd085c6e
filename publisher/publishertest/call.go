package publishertest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"carrier/message"
	"carrier/publisher"
)

func manyCallers(t *testing.T, b bench) {
	const callers, each = 8, 5
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range each {
				r := b.Publish(context.Background(), []*message.Message{plain(fmt.Sprint(c, ".", i)), plain(fmt.Sprint(c, "'", i))})
				if len(r) != 2 || r[0].Err != nil || r[1].Err != nil {
					t.Errorf("results = %+v", r)
				}
			}
		})
	}
	all.Wait()
	if n := len(b.bodies(t)); n != 2*callers*each {
		t.Errorf("%d messages of %d are stored", n, 2*callers*each)
	}
}

// groupKeepsOrder publishes to many groups at once, some messages by themselves and some together.
func groupKeepsOrder(t *testing.T, b bench) {
	const groups = 4
	var all sync.WaitGroup
	for g := range groups {
		all.Go(func() {
			for i := 0; i < 12; i += 3 {
				of := func(n int) *message.Message {
					return &message.Message{Body: []byte(fmt.Sprint(g, " ", n)), Group: fmt.Sprint("g", g)}
				}
				b.Publish(context.Background(), []*message.Message{of(i)})
				b.Publish(context.Background(), []*message.Message{of(i + 1), of(i + 2)})
			}
		})
	}
	all.Wait()
	got := map[string]string{}
	for _, m := range b.queue.Stored(t) {
		group, n, _ := strings.Cut(string(m.Body), " ")
		got[group] += n + " "
		if b.h.Group && m.Group != "g"+group {
			t.Errorf("message %s has the group %q", m.Body, m.Group)
		}
	}
	for g := range groups {
		order := got[fmt.Sprint(g)]
		if len(strings.Fields(order)) != 12 || b.Limits().Ordered && order != "0 1 2 3 4 5 6 7 8 9 10 11 " {
			t.Errorf("group %d: %s", g, order)
		}
	}
}

func endedIsRefused(t *testing.T, b bench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := b.Publish(ctx, []*message.Message{plain("a")})[0]
	if !publisher.IsRefused(r.Err) || publisher.IsPermanent(r.Err) || len(b.queue.Stored(t)) != 0 {
		t.Errorf("result = %+v, want a refusal for now", r)
	}
}

func lostAnswerIsUnknown(t *testing.T, b bench) {
	b.arrange(t, AnswerLost)
	r := b.Publish(t.Context(), []*message.Message{plain("a")})[0]
	if r.Err == nil || publisher.IsRefused(r.Err) {
		t.Errorf("result = %+v, want an error that is no refusal", r)
	}
	if n := len(b.queue.Stored(t)); n != 1 {
		t.Errorf("%d messages are stored, want the one that nobody knows of", n)
	}
}

func throttledIsRefused(t *testing.T, b bench) {
	b.arrange(t, Throttled)
	r := b.Publish(t.Context(), []*message.Message{plain("a")})[0]
	if !publisher.IsRefused(r.Err) || publisher.IsPermanent(r.Err) {
		t.Errorf("result = %+v, want a refusal for now", r)
	}
	b.publish(t, plain("b"))
	if stored := b.bodies(t); len(stored) != 1 || stored["b"] != 1 {
		t.Errorf("stored = %v, want b alone", stored)
	}
}

func tailIsRefused(t *testing.T, b bench) {
	b.arrange(t, Throttled)
	one, two := plain("1"), plain("2")
	one.Group, two.Group = "g", "g"
	for i, r := range b.Publish(t.Context(), []*message.Message{one, two}) {
		if !publisher.IsRefused(r.Err) || publisher.IsPermanent(r.Err) {
			t.Errorf("message %d: %+v, want a refusal for now", i, r)
		}
	}
	if n := len(b.queue.Stored(t)); n != 0 {
		t.Errorf("%d messages are stored", n)
	}
}

func othersAreStored(t *testing.T, b bench) {
	b.arrange(t, PartlyRefused)
	refused := plain(strings.Repeat("b", PartlyRefusedBody))
	refused.Group = "g"
	results := b.Publish(t.Context(), []*message.Message{plain("a"), refused, plain("c")})
	if results[0].Err != nil || results[2].Err != nil || !publisher.IsRefused(results[1].Err) {
		t.Errorf("results = %+v", results)
	}
	if stored := b.bodies(t); len(stored) != 2 || stored["a"] != 1 || stored["c"] != 1 {
		t.Errorf("stored = %v, want a and c", stored)
	}
}

// awayIsRefused lets the first call find out: what is sent at the moment when the connection goes is
// unknown.
func awayIsRefused(t *testing.T, b bench) {
	b.arrange(t, Away)
	var r publisher.Result
	for range 2 {
		r = b.Publish(t.Context(), []*message.Message{plain("a")})[0]
		if r.Err == nil || publisher.IsPermanent(r.Err) {
			t.Errorf("result = %+v", r)
		}
	}
	if !publisher.IsRefused(r.Err) {
		t.Errorf("result = %+v, want a refusal for now", r)
	}
}
