package record

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func FuzzValue(f *testing.F) {
	f.Add(int64(1), int64(2), "group", []byte("head"), []byte("body"), 0, uint64(1))
	f.Add(int64(-1), int64(0), "", []byte(nil), []byte(nil), 40, uint64(1<<63|6))
	f.Fuzz(func(t *testing.T, stored, due int64, group string, head, body []byte, at int, to uint64) {
		r := Message{To: to, ID: [16]byte{1, 2, 3}, Stored: stored, Due: due, Group: group, Head: head, Body: body}
		value := r.Encode()
		got, err := DecodeMessage(value)
		if err != nil || got.To != max(to, FirstSlot) || To(value) != got.To || got.ID != r.ID || got.Stored != stored || got.Due != due || got.Group != group ||
			!bytes.Equal(got.Head, head) || !bytes.Equal(got.Body, body) {
			t.Fatalf("DecodeMessage(encode(%+v)) = %+v, %v", r, got, err)
		}
		why := Reason{Text: strings.ReplaceAll(cut(group), "\x00", " "), Status: 404, Attempts: 3}
		if due != 0 {
			why.Endpoint, why.LastAttempt = cut(string(head)), time.Unix(0, due)
		}
		letter := EncodeDeadLetter(why, time.Unix(0, stored), ForFirstSlot(bytes.Clone(value)))
		if died, _, inner, err := DecodeDeadLetter(letter); err != nil || died != why || inner.ID != r.ID || inner.To != FirstSlot || !bytes.Equal(inner.Body, body) {
			t.Fatalf("DecodeDeadLetter = %+v, %+v, %v", died, inner, err)
		}
		if d, err := ParseDeadLetter(letter, len(letter)); err != nil || d.Reason != why || d.ID != r.ID || d.BodySize() != len(body) {
			t.Fatalf("ParseDeadLetter = %+v, %v", d, err)
		}
		// Whatever is changed is found, and arbitrary bytes are only refused.
		value[uint(at)%uint(len(value))] ^= 0x10
		if _, err := DecodeMessage(value); !errors.Is(err, ErrDamaged) {
			t.Fatalf("a changed byte at %d was not found: %v", uint(at)%uint(len(value)), err)
		}
		for _, random := range [][]byte{head, body, value, seal(append(make([]byte, sealSize), body...))} {
			_, _ = DecodeMessage(random)
			_, _ = ParseEnvelope(random, len(random))
			_, _, _, _ = DecodeDeadLetter(random)
			_, _ = ParseDeadLetter(random, len(random))
			_ = DeadLetterCost(random, len(random))
			_, _ = DecodeState(random)
			_, _ = DecodeKey(random)
			_, _ = CostOf(random)
			_, _ = DecodeTable(random)
			_, _ = DecodeEnds(random)
			_, _, _ = DecodeCounts(random)
			_ = ForFirstSlot(bytes.Clone(random))
		}
	})
}

func TestStateAndKeySurviveEncoding(t *testing.T) {
	for _, s := range []State{{Count: 7, First: 1 << 60, Due: -5, Deferrals: 3, Open: true}, {}} {
		if got, err := DecodeState(s.Encode()); err != nil || got != s {
			t.Errorf("DecodeState = %+v, %v; want %+v", got, err, s)
		}
	}
	for _, k := range []Key{{ID: [16]byte{9, 8}, Expires: 1 << 61, Digest: [32]byte{7}, Digested: true}, {Expires: 1}} {
		if got, err := DecodeKey(k.Encode()); err != nil || got != k {
			t.Errorf("DecodeKey = %+v, %v; want %+v", got, err, k)
		}
	}
}

func TestStateOfTheFirstFormatIsRead(t *testing.T) {
	full := State{Count: 7, First: 1 << 60, Due: -5}
	old := seal(append([]byte(nil), full.Encode()[:stateSizeV1]...))
	if got, err := DecodeState(old); err != nil || got != full {
		t.Errorf("DecodeState = %+v, %v; want %+v", got, err, full)
	}
}

func TestKeyOfTheFirstFormatMatchesEveryBody(t *testing.T) {
	k, err := DecodeKey(Key{ID: [16]byte{1}, Expires: 5}.Encode())
	if err != nil || !k.Matches([32]byte{1}) || !k.Matches([32]byte{2}) {
		t.Errorf("DecodeKey = %+v, %v; want one that matches", k, err)
	}
}

func TestHeadsCostNothingUpToOneKiB(t *testing.T) {
	for want, size := range map[int64]int{100: 1 << 10, 101: 1<<10 + 1} {
		if got := Cost(0, size, 100, true); got != want {
			t.Errorf("cost of a body of 100 and a head of %d = %d, want %d", size, got, want)
		}
	}
}

func TestTableSurvivesEncoding(t *testing.T) {
	for name, table := range map[string][]Subscription{
		"of a file without routes": DefaultTable(),
		"one that was renamed":     {{Name: "orders", Pattern: "/orders/", First: true}},
		"several": {
			{Slot: 3, Name: "mail", Pattern: "/a/,/b", State: Removed, Since: 1 << 60},
			{Slot: 63, Name: "last", State: Dropping}, {Pattern: "/", First: true},
		},
	} {
		if got, err := DecodeTable(encodeTable(table)); err != nil || !slices.Equal(got, table) {
			t.Errorf("%s: DecodeTable = %+v, %v; want %+v", name, got, err, table)
		}
	}
}

func TestTableThatIsNoneIsRefused(t *testing.T) {
	good := encodeTable([]Subscription{{Slot: 1, Name: "a"}, {Slot: 2, Name: "b"}})
	for name, change := range map[string]func(p []byte){
		"another version":     func(p []byte) { p[0] = 9 },
		"none":                func(p []byte) { p[1] = 0 },
		"more than there are": func(p []byte) { p[1] = 3 },
		"a slot too high":     func(p []byte) { p[2] = 64 },
		"a slot twice":        func(p []byte) { p[2] = 2 },
		"no such state":       func(p []byte) { p[3] = 3 },
	} {
		bad := bytes.Clone(good)
		change(bad[sealSize:])
		if got, err := DecodeTable(seal(bad)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: DecodeTable = %+v, %v; want ErrDamaged", name, got, err)
		}
	}
}

// TestOneSubscriptionIsWrittenAsBefore holds what releases read that know of no subscriptions.
func TestOneSubscriptionIsWrittenAsBefore(t *testing.T) {
	m := Message{To: FirstSlot, Body: []byte("body")}
	if v := m.Encode(); v[4] != 1 || len(v) != 5+16+8+8+1+1+4 {
		t.Errorf("a message is version %d of %d bytes", v[4], len(v))
	}
	if v := (Counts{}).encode(1, false); len(v) != 5+8+8*8 {
		t.Errorf("the counts are %d bytes", len(v))
	}
	if v := encodeTable(DefaultTable()); len(v) != 5 {
		t.Errorf("the format is %d bytes", len(v))
	}
	if k := SlotKey(7, 0); !bytes.Equal(k, SeqKey(7)) {
		t.Errorf("the key of a state is %x", k)
	}
}

func TestIndexIsChargedForEachSubscription(t *testing.T) {
	for to, want := range map[uint64]int64{1: 3 + IndexCost, 2: 3 + IndexCost, 7: 3 + 3*IndexCost} {
		m := Message{To: to, Due: 1, Body: []byte("abc")}
		if one, all := CostOf(m.Encode()); one != 3+IndexCost || all != want {
			t.Errorf("to %b: cost = %d, %d; want %d, %d", to, one, all, 3+IndexCost, want)
		}
	}
	plain := Message{To: 7, Body: []byte("abc")}
	if one, all := CostOf(plain.Encode()); one != 3 || all != 3 {
		t.Errorf("a plain one costs %d, %d; want its body once", one, all)
	}
}

// TestReasonIsReadByReleasesBefore: they take all up to the message for the reason's text, so that
// what was added is behind it, and a reason without it is written as it was.
func TestReasonIsReadByReleasesBefore(t *testing.T) {
	message := (&Message{Body: []byte("b")}).Encode()
	at := time.Unix(1, 2)
	full := Reason{Text: "no", Status: 404, Attempts: 2, Endpoint: "http://localhost/", FirstReceived: at, LastAttempt: at}
	for name, c := range map[string]struct{ why, want Reason }{
		"text alone":              {Reason{Text: "no", Status: 404}, Reason{Text: "no", Status: 404}},
		"all there is":            {full, full},
		"a zero byte":             {Reason{Text: "a\x00b", Endpoint: "e"}, Reason{Text: "a b", Endpoint: "e"}},
		"more than is kept":       {Reason{Text: strings.Repeat("é", 2000)}, Reason{Text: strings.Repeat("é", 512)}},
		"nothing":                 {},
		"an endpoint and no text": {Reason{Endpoint: "e"}, Reason{Endpoint: "e"}},
	} {
		t.Run(name, func(t *testing.T) {
			letter := EncodeDeadLetter(c.why, at, message)
			if got, died, m, err := DecodeDeadLetter(letter); got != c.want || !died.Equal(at) || string(m.Body) != "b" || err != nil {
				t.Errorf("DecodeDeadLetter = %+v, %v, %q, %v", got, died, m.Body, err)
			}
			if cost := DeadLetterCost(letter[:min(len(letter), 4096)], len(letter)); cost != 1 {
				t.Errorf("it costs %d, want 1: the start reads 4 KiB", cost)
			}
			if c.why.Text == "no" && c.why.Endpoint == "" && !bytes.Contains(letter, append([]byte{2, 'n', 'o'}, message...)) {
				t.Errorf("%q is not as it was", letter)
			}
		})
	}
}
