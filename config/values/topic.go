package values

import (
	"net/url"
	"strings"

	"carrier/message"
)

// IsTopic reports whether value is a path that a request can have, and that may end in a slash. One
// that climbs is refused at the door.
func IsTopic(value string) bool {
	_, err := url.PathUnescape(value)
	return err == nil && message.CheckPath(value) == nil && strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") && !strings.ContainsAny(value, "*?#")
}
