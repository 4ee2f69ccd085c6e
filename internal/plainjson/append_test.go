package plainjson

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// every has each byte once, and what stands out among characters.
func every() string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return string(all) + "é€\U0001f600\u2028\ufffd\xed\xa0\x80<&>"
}

func TestStringsAreWrittenSo(t *testing.T) {
	for name, c := range map[string]struct{ s, want string }{
		"nothing":             {"", `"x":""`},
		"an id":               {"0123-abcd", `"x":"0123-abcd"`},
		"quotes":              {`a "b" \c`, `"x":"a \"b\" \\c"`},
		"control characters":  {"\n\r\t\x00\x1f\x7f", `"x":"\n\r\t\u0000\u001f` + "\x7f" + `"`},
		"letters of the rest": {"é€\U0001f600\u2028<", `"x":"é€` + "\U0001f600\u2028" + `<"`},
		"no UTF-8":            {"a\xff\xc3(\xed\xa0\x80", `"x":"a` + "\ufffd\ufffd(\ufffd\ufffd\ufffd" + `"`},
	} {
		if got := string(Append([]byte(`"x":`), c.s)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// check holds Append to encoding/json: the same value, in valid JSON and UTF-8, on one line.
func check(t *testing.T, s string) {
	t.Helper()
	got := Append(nil, s)
	if other := AppendBytes(nil, []byte(s)); string(other) != string(got) {
		t.Errorf("%q as bytes, and %q", other, got)
	}
	theirs, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var a, b string
	if err := json.Unmarshal(theirs, &b); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &a); err != nil || a != b {
		t.Errorf("%q becomes %s, which is %q, want %q: %v", s, got, a, b, err)
	}
	if !utf8.Valid(got) || strings.ContainsAny(string(got), "\n\r") {
		t.Errorf("%q becomes %q", s, got)
	}
}

func TestStringsAreThoseOfEncodingJSON(t *testing.T) {
	all := every()
	for i := range len(all) {
		for _, end := range []int{i + 1, i + 2, i + 3, i + 9, len(all)} {
			check(t, all[i:min(end, len(all))])
			check(t, "plain"+all[i:min(end, len(all))]+"plain")
		}
	}
}

func FuzzAppend(f *testing.F) {
	f.Add(every())
	f.Fuzz(check)
}

func TestNothingIsAllocated(t *testing.T) {
	b := make([]byte, 0, 4096)
	s := every()
	if n := testing.AllocsPerRun(10, func() { b = Append(b[:0], s) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
