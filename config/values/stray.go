package values

import (
	"strings"
	"unicode"
)

const byteOrderMark = '\ufeff'

// Stray says what in a text is there by mistake: a blank or a line break that a file or a copy has left
// at an end, or a character that cannot be seen; "" where there is none. noBlanks says that no blank may
// be in it anywhere.
func Stray(value string, noBlanks bool) string {
	for at, r := range value {
		switch {
		case r == byteOrderMark:
			return "holds a byte order mark"
		case r == '\n' || r == '\r':
			return "holds a line break"
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return "holds a character that cannot be seen"
		case unicode.IsSpace(r) && at == 0:
			return "begins with a blank"
		case unicode.IsSpace(r) && noBlanks && strings.TrimRightFunc(value[at:], unicode.IsSpace) != "":
			return "holds a blank"
		}
	}
	if strings.TrimRightFunc(value, unicode.IsSpace) != value {
		return "ends with a blank"
	}
	return ""
}
