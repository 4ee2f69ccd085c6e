package receivertest

import (
	"strings"
	"testing"

	"carrier/message"
)

func groupWaits(t *testing.T, b bench) {
	b.putGroup(t, "g", "1 2 3")
	head := b.take(t, 1)[0]
	if string(head.Body) != "1" || head.Group != "g" || !head.Ordered {
		t.Fatalf("head = %q of group %q, ordered %v; want 1 of g, ordered", head.Body, head.Group, head.Ordered)
	}
	if more, err := b.poll(b.lease / 4); len(more) != 0 {
		t.Fatalf("%q was handed out beside its head (%v)", more[0].Body, err)
	}
	b.settle(t, head, message.Outcome{Verdict: message.Delivered})
	if next := b.take(t, 1)[0]; string(next.Body) != "2" {
		t.Errorf("next = %q, want 2", next.Body)
	}
}

func groupFollows(t *testing.T, b bench) {
	b.putGroup(t, "g", "1 2 3")
	b.s.Put(t, Put{Body: "alone"})
	var got []string
	for _, m := range b.take(t, 4) {
		if ordered := m.Group == "g"; m.Ordered != ordered {
			t.Errorf("%s of group %q is ordered: %v", m.Body, m.Group, m.Ordered)
		}
		if m.Group == "g" {
			got = append(got, string(m.Body))
		}
		b.settle(t, m, message.Outcome{Verdict: message.Delivered})
	}
	if order := strings.Join(got, " "); order != "1 2 3" {
		t.Errorf("order = %s, want 1 2 3", order)
	}
}

func groupKeepsOrder(t *testing.T, b bench) {
	b.putGroup(t, "g", "1 2 3")
	batch := b.take(t, 1)
	if more, _ := b.poll(b.lease / 4); len(more) > 0 {
		batch = append(batch, more...)
	}
	for i := len(batch) - 1; i >= 0; i-- {
		b.settle(t, batch[i], message.Outcome{})
	}
	var got []string
	for len(got) < 3 {
		m := b.take(t, 1)[0]
		got = append(got, string(m.Body))
		b.settle(t, m, message.Outcome{Verdict: message.Delivered})
	}
	if order := strings.Join(got, " "); order != "1 2 3" {
		t.Errorf("order = %s, want 1 2 3", order)
	}
}

func groupsRunApart(t *testing.T, b bench) {
	b.putGroup(t, "g", "g1 g2")
	head := b.take(t, 1)[0]
	b.putGroup(t, "h", "h1")
	n := 1
	if b.tails {
		n = 2 // g2 comes too
	}
	if other := b.take(t, n)[n-1]; string(other.Body) != "h1" {
		t.Errorf("received %q while %q is in flight, want h1", other.Body, head.Body)
	}
}

func (b bench) putGroup(t *testing.T, group, bodies string) {
	t.Helper()
	for _, body := range strings.Fields(bodies) {
		b.s.Put(t, Put{Body: body, Group: group})
	}
}
