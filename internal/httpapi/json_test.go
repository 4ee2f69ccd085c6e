package httpapi

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestBodyIsOneJSONObjectOrNothing(t *testing.T) {
	const most = 64 << 10
	for name, c := range map[string]struct {
		body string
		code int // 0 for none
		says string
	}{
		"an object":                       {`{"n":1,"list":[{"text":"a"},{"text":"b"}]}`, 0, ""},
		"blanks around it":                {" \r\n\t{\"n\":1}\n ", 0, ""},
		"nothing":                         {"", 0, ""},
		"blanks alone":                    {" \n", 0, ""},
		"null for a field":                {`{"n":null}`, 0, ""},
		"null":                            {`null`, 400, "one JSON object"},
		"a list":                          {`[]`, 400, "one JSON object"},
		"a text":                          {`"x"`, 400, "one JSON object"},
		"a number":                        {`1`, 400, "one JSON object"},
		"a truth":                         {`true`, 400, "one JSON object"},
		"no JSON":                         {`n=1`, 400, "one JSON object"},
		"a byte order mark":               {"\ufeff{}", 400, "one JSON object"},
		"an object that is cut off":       {`{"n":1`, 400, "EOF"},
		"a second object":                 {`{"n":1}{"n":2}`, 400, "more after it"},
		"a second object on a line":       {"{\"n\":1}\n{\"n\":2}\n", 400, "more after it"},
		"a bracket too many":              {`{"n":1}}`, 400, "more after it"},
		"text after it":                   {`{"n":1} x`, 400, "more after it"},
		"a field nobody knows":            {`{"m":1}`, 400, `"m"`},
		"one in a list":                   {`{"list":[{"txt":"a"}]}`, 400, `"txt"`},
		"a name twice":                    {`{"n":1,"n":2}`, 400, `"n" is in it twice`},
		"a name twice in another case":    {`{"n":1,"N":2}`, 400, `"N" is in it twice`},
		"a name twice, escaped":           {`{"n":1,"\u006e":2}`, 400, `"n" is in it twice`},
		"a name twice in a list":          {`{"list":[{"text":"a"},{"text":"b","text":"c"}]}`, 400, `"text" is in it twice`},
		"a list twice":                    {`{"list":[{"text":"a"}],"list":[]}`, 400, `"list" is in it twice`},
		"another type":                    {`{"n":"1"}`, 400, `"n" cannot be a string`},
		"a fraction":                      {`{"n":1.5}`, 400, "1.5"},
		"a number nobody can hold":        {`{"n":1e400}`, 400, "1e400"},
		"one of very many digits":         {`{"n":` + strings.Repeat("9", 10_000) + `}`, 400, `"n" cannot be a number 999`},
		"lists 30,000 deep":               {`{"list":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + `}`, 400, "depth"},
		"objects 9,000 deep":              {strings.Repeat(`{"m":`, 9_000) + "1" + strings.Repeat("}", 9_000), 400, `"m"`},
		"a body of the most bytes":        {`{"n":1}` + strings.Repeat(" ", most-7), 0, ""},
		"a body of one byte more":         {`{"n":1}` + strings.Repeat(" ", most-6), 413, "65536"},
		"a text with a control character": {"{\"list\":[{\"text\":\"a\nb\"}]}", 400, "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			var dst struct {
				N    *int `json:"n"`
				List []struct {
					Text string `json:"text"`
				} `json:"list"`
			}
			p := ReadJSON(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(c.body)), most, &dst)
			switch {
			case p == nil && c.code != 0:
				t.Errorf("taken as %+v", dst)
			case p != nil && (p.Status != c.code || !strings.Contains(p.Detail, c.says)):
				t.Errorf("%d %.200s", p.Status, p.Detail)
			case p != nil && len(p.Detail) > 500:
				t.Errorf("%d bytes of detail", len(p.Detail))
			}
		})
	}
}
