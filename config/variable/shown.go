package variable

import (
	"fmt"
	"time"

	"carrier/config/values"
	"carrier/internal/redact"
)

// Effective is the value v has, as it could be set.
func (v Variable) Effective() string {
	switch value := v.Field.Interface().(type) {
	case time.Duration:
		if !v.Between() {
			return ""
		}
		return values.Short(value)
	case int:
		if value == 0 && v.Tag.Get("shown") != "" && v.Tag.Get("zero") == "" {
			return ""
		}
	case values.Size:
		if value == 0 && v.Tag.Get("shown") != "" {
			return ""
		}
	case string:
		return oneLine(redact.URLs(value))
	case values.List:
		return oneLine(redact.URLs(value.String()))
	}
	return fmt.Sprint(v.Field.Interface())
}

func oneLine(value string) string {
	if quoted := fmt.Sprintf("%q", value); quoted != `"`+value+`"` {
		return quoted
	}
	return value
}

// Standard is v's default as the table shows it.
func (v Variable) Standard() string {
	if value := v.Tag.Get("default"); value != "" {
		return "`" + value + "`"
	}
	return v.Tag.Get("shown")
}

// Meaning is what v is for, as the table shows it.
func (v Variable) Meaning() string {
	if v.Secret() {
		return "*Secret.* " + v.Tag.Get("desc")
	}
	return v.Tag.Get("desc")
}

// Stray says what in value is there by mistake: a blank or a line break that a file or a copy has
// left at an end, or a character that cannot be seen. It returns "" where there is none. Values that
// are no text are not looked at: whatever reads them refuses these.
func (v Variable) Stray(value string) string {
	switch v.Field.Interface().(type) {
	case string, values.Secret, values.List:
		return values.Stray(value, v.Tag.Get("url") != "")
	}
	return ""
}
