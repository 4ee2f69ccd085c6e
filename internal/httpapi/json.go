package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ReadJSON reads the body of r, one JSON object of at most so many bytes, into dst. An empty body
// changes nothing. It refuses what Go's decoder lets pass: null in place of the object, anything
// after it, a field that dst does not have, and a name that an object has twice, in whatever case:
// another reader of the same bytes could take the other one. Names are told apart by their case
// nowhere else.
func ReadJSON(w http.ResponseWriter, r *http.Request, most int64, dst any) *Problem {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return &Problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the body may have %d bytes", tooLarge.Limit)}
	}
	if err == nil {
		err = decodeObject(body, dst)
	}
	if err != nil {
		return &Problem{Status: http.StatusBadRequest, Detail: "the body must be one JSON object: " + whatIsWrong(err)}
	}
	return nil
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
	body = bytes.TrimLeft(body, " \t\r\n")
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
	return namedOnce(json.NewDecoder(bytes.NewReader(body)))
}

// namedOnce finds a name that is twice in an object of the next value, which is valid JSON of a
// depth that a Go type has.
func namedOnce(d *json.Decoder) error {
	token, _ := d.Token()
	if token != json.Delim('{') && token != json.Delim('[') {
		return nil
	}
	names := map[string]struct{}{}
	for d.More() {
		if token == json.Delim('{') {
			name, _ := d.Token()
			text, _ := name.(string)
			if _, twice := names[strings.ToLower(text)]; twice {
				return fmt.Errorf("%q is in it twice", text)
			}
			names[strings.ToLower(text)] = struct{}{}
		}
		if err := namedOnce(d); err != nil {
			return err
		}
	}
	_, _ = d.Token() // its end
	return nil
}
