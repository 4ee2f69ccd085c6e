package config

import "carrier/config/values"

// stray says what in value is there by mistake: a blank or a line break that a file or a copy has
// left at an end, or a character that cannot be seen. It returns "" where there is none. Values that
// are no text are not looked at: whatever reads them refuses these.
func stray(v variable, value string) string {
	switch v.field.Interface().(type) {
	case string, Secret, List:
		return values.Stray(value, v.tag.Get("url") != "")
	}
	return ""
}
