package queue

import "testing"

func TestKeyIsKnownOnceItsMessageIsStored(t *testing.T) {
	q := open(t, Options{})
	ask := func(key, body string, want Stored, known bool) {
		t.Helper()
		if s, ok, err := q.Known(Entry{Key: key, Body: []byte(body)}); err != nil || ok != known || s != want {
			t.Errorf("Known(%q) = %+v, %v, %v; want %+v, %v", key, s, ok, err, want, known)
		}
	}
	ask("k", "a", Stored{}, false)
	id := q.mustPut(t, Entry{Key: "k", Body: []byte("a")})
	q.mustPut(t, Entry{Body: []byte("without a key")})
	ask("k", "a", Stored{ID: id, Replayed: true}, true)
	ask("l", "a", Stored{}, false)
	ask("", "without a key", Stored{}, false)
	_, ok, err := q.Known(Entry{Key: "k", Body: []byte("b")})
	wantErr(t, "Known with another body", err, ErrKeyReused)
	if c := q.Counts(); c.Messages != 2 || ok {
		t.Errorf("%d messages, want 2; known %v", c.Messages, ok)
	}
}
