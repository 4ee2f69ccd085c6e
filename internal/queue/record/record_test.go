package record

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func FuzzValue(f *testing.F) {
	f.Add(int64(1), int64(2), "group", []byte("head"), []byte("body"), 0)
	f.Add(int64(-1), int64(0), "", []byte(nil), []byte(nil), 40)
	f.Fuzz(func(t *testing.T, stored, due int64, group string, head, body []byte, at int) {
		r := Message{ID: [16]byte{1, 2, 3}, Stored: stored, Due: due, Group: group, Head: head, Body: body}
		value := r.Encode()
		got, err := DecodeMessage(value)
		if err != nil || got.ID != r.ID || got.Stored != stored || got.Due != due || got.Group != group ||
			!bytes.Equal(got.Head, head) || !bytes.Equal(got.Body, body) {
			t.Fatalf("DecodeMessage(encode(%+v)) = %+v, %v", r, got, err)
		}
		why := Reason{Text: group, Status: 404, Attempts: 3}
		letter := EncodeDeadLetter(why, time.Unix(0, stored), value)
		if died, _, inner, err := DecodeDeadLetter(letter); err != nil || died != why || !bytes.Equal(inner.Body, body) {
			t.Fatalf("DecodeDeadLetter = %+v, %+v, %v", died, inner, err)
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
			_ = DeadLetterCost(random, len(random))
			_, _ = DecodeState(random)
			_, _ = DecodeKey(random)
			_ = CostOf(random)
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
