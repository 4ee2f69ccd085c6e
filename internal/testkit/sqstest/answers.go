package sqstest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// A Page is an answer that is not the service's: no request id, no error code, a body in
// another format.
type Page struct {
	Status            int
	ContentType, Body string
}

// HTMLPage is the page of a proxy that has no route to the service, or refuses.
func HTMLPage(status int) *Page {
	text := strconv.Itoa(status) + " " + http.StatusText(status)
	return &Page{
		Status: status, ContentType: "text/html",
		Body: "<html><head><title>" + text + "</title></head><body><h1>" + text + "</h1></body></html>\n",
	}
}

func (p *Page) serve(w http.ResponseWriter) {
	if p.ContentType != "" {
		w.Header().Set("Content-Type", p.ContentType)
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write([]byte(p.Body))
}

// edited returns body after edit. Numbers keep their digits.
func edited(body []byte, edit func(map[string]any)) ([]byte, error) {
	var answer map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&answer); err != nil {
		return nil, err
	}
	edit(answer)
	return json.Marshal(answer)
}

// EachMessage is an edit of each message in the answer to a receive. The edits are made in
// order.
func EachMessage(edits ...func(message map[string]any)) func(answer map[string]any) {
	return func(answer map[string]any) {
		messages, _ := answer["Messages"].([]any)
		for _, m := range messages {
			for _, edit := range edits {
				edit(m.(map[string]any))
			}
		}
	}
}

// WithoutAttributes leaves out the system attributes of these names.
func WithoutAttributes(names ...string) func(message map[string]any) {
	return func(message map[string]any) {
		attributes, _ := message["Attributes"].(map[string]any)
		for _, name := range names {
			delete(attributes, name)
		}
	}
}

// CountsAsNumbers writes the counts and times among the system attributes as JSON numbers;
// the service writes them as strings.
func CountsAsNumbers(message map[string]any) {
	attributes, _ := message["Attributes"].(map[string]any)
	for name, value := range attributes {
		text, _ := value.(string)
		if strings.HasPrefix(name, "Approximate") || strings.HasSuffix(name, "Timestamp") {
			attributes[name] = json.Number(text)
		}
	}
}

// UpperCaseDigests writes the checksums in capitals; the service writes small letters.
func UpperCaseDigests(message map[string]any) {
	for _, name := range []string{"MD5OfBody", "MD5OfMessageAttributes"} {
		if text, ok := message[name].(string); ok {
			message[name] = strings.ToUpper(text)
		}
	}
}

// EmptyDigests writes empty checksums, as servers do that do not compute them.
func EmptyDigests(message map[string]any) {
	message["MD5OfBody"], message["MD5OfMessageAttributes"] = "", ""
}

// DamagedBinary gives every binary message attribute a value that is not base64.
func DamagedBinary(message map[string]any) {
	attributes, _ := message["MessageAttributes"].(map[string]any)
	for _, a := range attributes {
		if a := a.(map[string]any); a["BinaryValue"] != nil {
			a["BinaryValue"] = "AAA*"
		}
	}
}

// WrongDigest gives the messages whose body is among bodies a checksum that does not match.
func WrongDigest(bodies ...string) func(message map[string]any) {
	return func(message map[string]any) {
		for _, body := range bodies {
			if message["Body"] == body {
				message["MD5OfBody"] = strings.Repeat("0", 32)
			}
		}
	}
}
