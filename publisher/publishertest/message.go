package publishertest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"carrier/message"
	"carrier/publisher"
)

func bodyArrives(t *testing.T, b bench) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	random := make([]byte, 64<<10)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	bodies := []string{
		"", " ", "a", "{\"a\": [1, \"ü\"]}\r\n", "\x00", "\xff\xfe", "a\x0bb", "\uffff\ufffe", "\U0001F600",
		"<&>\"'\\", "\xed\xa0\x80", "\ufffd", "YQ==", string(every), string(random),
	}
	batch := make([]*message.Message, len(bodies))
	for i, body := range bodies {
		batch[i] = plain(body)
	}
	b.publish(t, batch...)
	stored := b.bodies(t)
	for _, body := range bodies {
		if stored[body] != 1 {
			t.Errorf("%.40q is stored %d times", body, stored[body])
		}
	}
	if len(stored) != len(bodies) {
		t.Errorf("%d different bodies of %d", len(stored), len(bodies))
	}
}

func allArrives(t *testing.T, b bench) {
	m := plain("a")
	m.ContentType = "text/plain; charset=utf-8"
	m.Attributes = []message.Attribute{{Name: "Kind", Value: "order"}, {Name: "place", Value: "Zürich \"West\", 100% ☃"}}
	if b.h.Trace {
		m.Trace = "Root=1-5759e988-bd862e3fe1be46a994272793"
	}
	if b.h.Group {
		m.Group = "orders-7"
	}
	b.publish(t, m)
	stored := b.queue.Stored(t)
	if len(stored) != 1 {
		t.Fatalf("%d messages are stored", len(stored))
	}
	got := stored[0]
	if got.ContentType != m.ContentType || got.Group != m.Group || got.Trace != m.Trace {
		t.Errorf("content type %q, group %q, trace %q", got.ContentType, got.Group, got.Trace)
	}
	for _, a := range m.Attributes {
		if value, _ := got.Attribute(a.Name); value != a.Value {
			t.Errorf("attribute %s = %q, want %q", a.Name, value, a.Value)
		}
	}
}

func eachHasItsResult(t *testing.T, b bench) {
	const n = 25
	batch := make([]*message.Message, n)
	for i := range batch {
		batch[i] = plain(fmt.Sprint(i))
	}
	results := b.publish(t, batch...)
	ids := map[string]bool{}
	for _, r := range results {
		ids[r.ID] = true
	}
	if len(ids) != n || ids[""] {
		t.Errorf("%d different ids of %d messages", len(ids), n)
	}
	if stored := b.bodies(t); len(stored) != n {
		t.Errorf("%d messages of %d are stored", len(stored), n)
	}
	if got := b.Publish(t.Context(), nil); len(got) != 0 {
		t.Errorf("%d results for no message", len(got))
	}
}

func tooLargeIsRefused(t *testing.T, b bench) {
	large := &message.Message{Body: bytes.Repeat([]byte("x"), b.Limits().Bytes+1)}
	if err := b.Check(large); publisher.WhyOf(err) != publisher.TooLarge {
		t.Errorf("Check = %v, want that it is too large", err)
	}
	results := b.Publish(t.Context(), []*message.Message{plain("a"), large, plain("b")})
	if results[0].Err != nil || results[2].Err != nil {
		t.Errorf("results beside it: %v, %v", results[0].Err, results[2].Err)
	}
	if r := results[1]; publisher.WhyOf(r.Err) != publisher.TooLarge {
		t.Errorf("result = %+v, want one that is too large", r)
	}
	if stored := b.bodies(t); len(stored) != 2 {
		t.Errorf("%d messages are stored", len(stored))
	}
}

func delayIsRefused(t *testing.T, b bench) {
	m := plain("a")
	m.Due = time.Now().Add(b.Limits().Delay + time.Hour)
	b.refuses(t, m, publisher.Unsupported)
	m.Due = time.Now().Add(-time.Hour)
	b.publish(t, m)
}

func attributeIsRefused(t *testing.T, b bench) {
	var batch []*message.Message
	for what, a := range b.h.Bad {
		m := plain(what)
		m.Attributes = []message.Attribute{{Name: "good", Value: "v"}, a}
		batch = append(batch, m)
	}
	if most := b.Limits().Attributes; most <= 1000 {
		m := plain("too many")
		for i := range most + 1 {
			m.Attributes = append(m.Attributes, message.Attribute{Name: fmt.Sprint("a", i), Value: "v"})
		}
		batch = append(batch, m)
	}
	twice := plain("one name twice")
	twice.Attributes = []message.Attribute{{Name: "a", Value: "1"}, {Name: "a", Value: "2"}}
	batch = append(batch, twice, plain("good"))
	results := b.Publish(t.Context(), batch)
	for i, r := range results[:len(results)-1] {
		if publisher.WhyOf(r.Err) != publisher.Unsupported || publisher.WhyOf(b.Check(batch[i])) != publisher.Unsupported {
			t.Errorf("%s: %+v, and Check %v; want a refusal for good", batch[i].Body, r, b.Check(batch[i]))
		}
	}
	if err := b.Check(batch[len(batch)-1]); err != nil {
		t.Errorf("Check of the good message = %v", err)
	}
	if err := results[len(results)-1].Err; err != nil || len(b.queue.Stored(t)) != 1 {
		t.Errorf("the good message beside them: %v", err)
	}
}

func binaryIsKeptOrRefused(t *testing.T, b bench) {
	m := plain("a")
	m.BinaryAttributes = []message.Attribute{{Name: "blob", Value: "\x00\xff"}}
	if !b.Limits().Binary {
		b.refuses(t, m, publisher.Unsupported)
		return
	}
	b.publish(t, m)
	if got := b.queue.Stored(t)[0].BinaryAttributes; !slices.EqualFunc(got, m.BinaryAttributes, func(a, b message.Attribute) bool {
		return a.Name == b.Name && a.Value == b.Value
	}) {
		t.Errorf("binary attributes = %q", got)
	}
}

func keysAreKept(t *testing.T, b bench) {
	for _, key := range []string{"k", "a key with spaces", "ü"} {
		for range 2 {
			m := plain("of " + key)
			m.Key = key
			b.publish(t, m)
		}
	}
	want := 6
	if b.Limits().Deduplicates {
		want = 3
	}
	if stored := b.queue.Stored(t); len(stored) != want {
		t.Errorf("%d messages of two for each of three keys are stored, want %d", len(stored), want)
	}
}
