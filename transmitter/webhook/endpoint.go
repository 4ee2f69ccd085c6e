package webhook

import (
	"encoding/base64"
	"errors"
	"net"
	"net/url"
	"strings"
)

// An Endpoint is where messages are posted: the address to connect to, and what is
// asked for there. The zero Endpoint is none; ParseEndpoint makes one.
type Endpoint struct {
	scheme string
	// network and address are what is dialled.
	network, address string
	// host is the Host header.
	host string
	// path is escaped and begins with a slash; query has no question mark.
	path, query string
	// authorization is the header that the URL's user and password ask for.
	authorization string
}

// ParseEndpoint reads `http://host:port/path`, `https://...`, or
// `unix:///path.sock:/path`, whose socket ends at the first colon. Its errors do not
// repeat the endpoint, which may hold a password.
func ParseEndpoint(s string) (Endpoint, error) {
	if rest, ok := strings.CutPrefix(s, "unix://"); ok {
		return parseUnix(rest)
	}
	u, err := url.Parse(s)
	if err != nil {
		return Endpoint{}, errors.New("not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return Endpoint{}, errors.New("must begin with http://, https:// or unix://")
	}
	if u.Hostname() == "" || u.Opaque != "" {
		return Endpoint{}, errors.New("names no host")
	}
	return Endpoint{
		scheme:        u.Scheme,
		network:       "tcp",
		address:       net.JoinHostPort(u.Hostname(), portOf(u)),
		host:          u.Host,
		path:          rooted(u.EscapedPath()),
		query:         u.RawQuery,
		authorization: basic(u.User),
	}, nil
}

// String is the endpoint without user, password and query, for logs.
func (e Endpoint) String() string {
	if e.network == "unix" {
		return "unix://" + e.address + ":" + e.path
	}
	return e.scheme + "://" + e.host + e.path
}

func parseUnix(rest string) (Endpoint, error) {
	socket, target, _ := strings.Cut(rest, ":")
	if !strings.HasPrefix(socket, "/") {
		return Endpoint{}, errors.New("a unix endpoint is unix:///path.sock:/webhook")
	}
	u, err := url.ParseRequestURI(rooted(target))
	if err != nil {
		return Endpoint{}, errors.New("the path after the socket is not one")
	}
	return Endpoint{
		scheme:  "http",
		network: "unix",
		address: socket,
		host:    "localhost",
		path:    u.EscapedPath(),
		query:   u.RawQuery,
	}, nil
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

func rooted(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + path
}

func basic(user *url.Userinfo) string {
	if user == nil {
		return ""
	}
	password, _ := user.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
}
