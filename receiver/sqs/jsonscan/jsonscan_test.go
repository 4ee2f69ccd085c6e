package jsonscan

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// read reads an object of which b is an array of texts, and returns what it saw.
func read(data string) (seen string, err error) {
	d, err := NewDecoder([]byte(data))
	if err != nil {
		return "", err
	}
	for d.Begin('{'); d.More('}'); {
		switch string(d.Key()) {
		case "a":
			seen += fmt.Sprintf("a=%s ", d.Text())
		case "b":
			for d.Begin('['); d.More(']'); {
				seen += fmt.Sprintf("b=%s ", d.Text())
			}
		case "n":
			seen += fmt.Sprintf("n=%d ", d.Number())
		case "t":
			seen += fmt.Sprintf("t=%v ", d.Truth())
		default:
			d.Skip()
		}
	}
	return strings.TrimSpace(seen), d.Err()
}

func TestObjectIsReadInItsOrder(t *testing.T) {
	for data, want := range map[string]string{
		``:                              "",
		`{}`:                            "",
		`{"a":"x","b":["y","z"],"n":3}`: "a=x b=y b=z n=3",
		` { "n" : "-7" , "t" : true , "c" : { "a" : [ "x" ] } , "a" : "\u00e9\n\ud83d\ude00" } `: "n=-7 t=true a=é\n😀",
		`{"a":7,"b":"no array","n":{},"t":"true"}`:                                               "a= n=0 t=true",
		`{"a":null,"b":null,"n":null,"t":null}`:                                                  "a= n=0 t=false",
	} {
		if got, err := read(data); got != want || err != nil {
			t.Errorf("%s: read %q, %v; want %q", data, got, err, want)
		}
	}
}

func TestBrokenJSONIsAnError(t *testing.T) {
	for _, data := range []string{`[`, `x`, `{`, `{"a"`, `{"a":`, `{"a":"`, `{"a":"\`, `{"a":"\q"}`, `{"b":["x" "y"]}`, `{"n":}`, `{"z":[1}`, `{"a":"x"`, `{,}`} {
		if got, err := read(data); !errors.Is(err, ErrNotJSON) {
			t.Errorf("%s: read %q, %v", data, got, err)
		}
	}
}
