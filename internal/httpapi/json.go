package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// blanks are those of JSON.
const blanks = " \t\r\n"

// ReadJSON reads the body of r, one JSON object of at most so many bytes, into dst. An empty body
// changes nothing. It refuses what Go's decoder lets pass: null in place of the object, anything
// after it, a field that dst does not have, and a name that an object has twice, in whatever case:
// another reader of the same bytes could take the other one. Names are told apart by their case
// nowhere else.
func ReadJSON(w http.ResponseWriter, r *http.Request, most int64, dst any) *Problem {
	body, problem := ReadBody(w, r, most)
	if problem != nil {
		return problem
	}
	return DecodeJSON(body, dst)
}

// ReadBody reads the body of r, of at most so many bytes.
func ReadBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, *Problem) {
	limited := http.MaxBytesReader(w, r.Body, most)
	var body []byte
	var err error
	if n := r.ContentLength; n >= 0 && n <= usualBody {
		body = make([]byte, n)
		_, err = io.ReadFull(limited, body)
	} else {
		body, err = io.ReadAll(limited)
	}
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return nil, &Problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the body may have %d bytes", tooLarge.Limit)}
	}
	return body, notJSON(err)
}

// usualBody is up to how many bytes of a body are taken to come as they were announced.
const usualBody = 64 << 10

// DecodeJSON is the second half of ReadJSON: it reads body into dst.
func DecodeJSON(body []byte, dst any) *Problem { return notJSON(decodeObject(body, dst)) }

func notJSON(err error) *Problem {
	if err == nil {
		return nil
	}
	return &Problem{Status: http.StatusBadRequest, Detail: "the body must be one JSON object: " + whatIsWrong(err)}
}

// whatIsWrong is err without Go's words, and without the whole of what was sent.
func whatIsWrong(err error) string {
	const most = 200
	text := strings.TrimPrefix(err.Error(), "json: ")
	if other := new(json.UnmarshalTypeError); errors.As(err, &other) {
		text = fmt.Sprintf("%q cannot be a %s", other.Field, other.Value)
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

func decodeObject(body []byte, dst any) error {
	body = bytes.TrimLeft(body, blanks)
	if len(body) == 0 {
		return nil
	}
	if body[0] != '{' {
		return errors.New("it begins otherwise")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(dst); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after it")
	}
	return namedOnce(body)
}

// namedOnce finds a name that is twice in an object of text, which is valid JSON whose objects have
// few names each: those of Go's fields.
func namedOnce(text []byte) error {
	var open [][]string // the names of each object around the place, and nothing for lists
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			open = append(open, nil)
		case '}', ']':
			open = open[:len(open)-1]
		case '"':
			quoted := text[i:endOfString(text, i)]
			i += len(quoted) - 1
			if !bytes.HasPrefix(bytes.TrimLeft(text[i+1:], blanks), []byte{':'}) {
				continue
			}
			name, names := unquoted(quoted), &open[len(open)-1]
			if slices.ContainsFunc(*names, func(other string) bool { return strings.EqualFold(other, name) }) {
				return fmt.Errorf("%q is in it twice", name)
			}
			*names = append(*names, name)
		}
	}
	return nil
}

// endOfString is where the string that begins at i in text is over.
func endOfString(text []byte, i int) int {
	for i++; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// unquoted is what the string s of valid JSON says.
func unquoted(s []byte) (text string) {
	if bytes.IndexByte(s, '\\') < 0 {
		return string(s[1 : len(s)-1])
	}
	_ = json.Unmarshal(s, &text)
	return text
}
