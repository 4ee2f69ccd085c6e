package queue

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
		r := record{id: [16]byte{1, 2, 3}, stored: stored, due: due, group: group, head: head, body: body}
		value := r.encode()
		got, err := decodeRecord(value)
		if err != nil || got.id != r.id || got.stored != stored || got.due != due || got.group != group ||
			!bytes.Equal(got.head, head) || !bytes.Equal(got.body, body) {
			t.Fatalf("decodeRecord(encode(%+v)) = %+v, %v", r, got, err)
		}
		why := Reason{Text: group, Status: 404, Attempts: 3}
		letter := deadValue(why, time.Unix(0, stored), value)
		if died, _, inner, err := decodeDead(letter); err != nil || died != why || !bytes.Equal(inner.body, body) {
			t.Fatalf("decodeDead = %+v, %+v, %v", died, inner, err)
		}
		// Whatever is changed is found, and arbitrary bytes are only refused.
		value[uint(at)%uint(len(value))] ^= 0x10
		if _, err := decodeRecord(value); !errors.Is(err, errValue) {
			t.Fatalf("a changed byte at %d was not found: %v", uint(at)%uint(len(value)), err)
		}
		for _, random := range [][]byte{head, body, value, seal(append(make([]byte, valueHead), body...))} {
			_, _ = decodeRecord(random)
			_, _ = parseRecord(random)
			_, _, _, _ = decodeDead(random)
			_, _, _, _ = parseDead(random)
			_, _ = decodeState(random)
			_, _ = decodeKeyed(random)
			_ = costOf(random)
		}
	})
}

func TestStateAndKeySurviveEncoding(t *testing.T) {
	for _, s := range []state{{count: 7, first: 1 << 60, due: -5, deferrals: 3, open: true}, {}} {
		if got, err := decodeState(s.encode()); err != nil || got != s {
			t.Errorf("decodeState = %+v, %v; want %+v", got, err, s)
		}
	}
	for _, k := range []keyed{{id: [16]byte{9, 8}, expires: 1 << 61, digest: [32]byte{7}, digested: true}, {expires: 1}} {
		if got, err := decodeKeyed(k.encode()); err != nil || got != k {
			t.Errorf("decodeKeyed = %+v, %v; want %+v", got, err, k)
		}
	}
}

func TestStateOfTheFirstFormatIsRead(t *testing.T) {
	full := state{count: 7, first: 1 << 60, due: -5}
	old := seal(append([]byte(nil), full.encode()[:stateSizeV1]...))
	if got, err := decodeState(old); err != nil || got != full {
		t.Errorf("decodeState = %+v, %v; want %+v", got, err, full)
	}
}

func TestKeyOfTheFirstFormatMatchesEveryBody(t *testing.T) {
	k, err := decodeKeyed(keyed{id: [16]byte{1}, expires: 5}.encode())
	if err != nil || !k.matches([32]byte{1}) || !k.matches([32]byte{2}) {
		t.Errorf("decodeKeyed = %+v, %v; want one that matches", k, err)
	}
}

func TestHeadsCostNothingUpToOneKiB(t *testing.T) {
	for want, size := range map[int64]int{100: 1 << 10, 101: 1<<10 + 1} {
		if got := cost("", make([]byte, size), make([]byte, 100)); got != want {
			t.Errorf("cost of a body of 100 and a head of %d = %d, want %d", size, got, want)
		}
	}
}
