package plainjson

import (
	"encoding/json"
	"strings"
	"testing"
)

// read reads an object of a text, a number and a list of texts.
func read(text string) (v value, plain bool) {
	r := NewReader([]byte(text))
	for r.Begin('{'); r.More('}'); {
		switch string(r.Key()) {
		case "a":
			v.A = string(r.Text())
		case "n":
			v.N = r.Number()
		case "l":
			for r.Begin('['); r.More(']'); {
				v.L = append(v.L, string(r.Text()))
			}
		default:
			r.Fail()
		}
	}
	return v, r.End()
}

type value struct {
	A string
	N int
	L []string
}

func TestWhatIsPlainIsRead(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`: true, ` { } `: true, `{"a":"x","n":12345,"l":["y","z"]}`: true, "\t{ \"l\" : [ ] , \"n\" : 0 }\r\n": true,
		``: false, `{`: false, `{"a"`: false, `{"a":`: false, `{"a":"`: false, `{"a":"x"`: false, `{"a":"x",}`: false, `{,}`: false, `{"a":"x"}}`: false,
		`{"a":"x"} x`: false, "{} \x00": false, `[]`: false, `{"l":["y",]}`: false, `{"l":["y" "z"]}`: false, `{"l":["y"}`: false,
		`{"n":01}`: false, `{"n":123456}`: false, `{"n":-1}`: false, `{"n":1.5}`: false, `{"n":1e3}`: false, `{"n":}`: false, `{"n":null}`: false,
		`{"a":"\n"}`: false, "{\"a\":\"\n\"}": false, `{"a":"é"}`: false, `{"b":1}`: false,
	} {
		if got, plain := read(text); plain != want {
			t.Errorf("%q: %v, %+v", text, plain, got)
		}
	}
}

func FuzzWhatIsPlainIsWhatEncodingJSONReads(f *testing.F) {
	for _, text := range []string{`{"a":"x","n":12,"l":["y","z"]}`, `{"n":007}`, `{"l":[]}`, `{"a":"x"}{}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, plain := read(text)
		if !plain {
			return
		}
		var want value
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&want); err != nil || d.More() || want.A != got.A || want.N != got.N || strings.Join(want.L, "|") != strings.Join(got.L, "|") {
			t.Errorf("%q is plain, %+v; want %+v, %v", text, got, want, err)
		}
	})
}
