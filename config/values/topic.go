package values

import (
	"net/url"
	"slices"
	"strings"
)

// IsTopic reports whether value is a path that a request can have, and that may end in a slash. One
// that climbs is refused at the door.
func IsTopic(value string) bool {
	path, err := url.PathUnescape(value)
	climbs := slices.Contains(strings.Split(path, "/"), "..")
	return err == nil && !climbs && strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") && !strings.ContainsAny(value, "*?#")
}
