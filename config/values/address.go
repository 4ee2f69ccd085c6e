package values

import (
	"net/url"
	"strconv"
	"strings"
)

// longestSocket is what fits into a Unix socket's address on Linux.
const longestSocket = 107

// HasScheme reports whether value is a URL with one of the schemes, which are separated by
// spaces; everything is when there are none.
func HasScheme(value, schemes string) bool {
	if schemes == "" {
		return true
	}
	scheme, rest, _ := strings.Cut(value, "://")
	if !strings.Contains(" "+schemes+" ", " "+scheme+" ") {
		return false
	}
	if scheme == "unix" {
		return socketed(rest)
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || u.Fragment != "" {
		return false
	}
	return u.Port() == "" && !strings.HasSuffix(u.Host, ":") || IsPort(u.Port())
}

// IsGRPCServer reports whether value is a host, with a port or without, or a URL of one.
func IsGRPCServer(value string) bool {
	scheme, rest, found := strings.Cut(value, "://")
	if found && scheme != "http" && scheme != "https" {
		return false
	}
	if !found {
		rest = value
	}
	u, err := url.Parse("//" + strings.TrimSuffix(rest, "/"))
	return err == nil && u.Hostname() != "" && u.Path == "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// socketed reports whether rest is /path.sock or /path.sock:/path.
func socketed(rest string) bool {
	socket, path, more := strings.Cut(rest, ":")
	if !strings.HasPrefix(socket, "/") || len(socket) > longestSocket {
		return false
	}
	if !more {
		return true
	}
	_, err := url.ParseRequestURI(path)
	return err == nil && strings.HasPrefix(path, "/")
}

// IsPort reports whether port is the number of a TCP port.
func IsPort(port string) bool {
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil
}
