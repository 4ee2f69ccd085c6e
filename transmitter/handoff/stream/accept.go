package stream

import (
	"bufio"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/coder/websocket"

	"carrier/internal/httpapi"
)

// A Conn is an open WebSocket.
type Conn struct {
	*websocket.Conn
	raw *gathering
	// reader is what the library reads from: it tells whether more has come than was read. Only who
	// reads frames may use it.
	reader *bufio.Reader
}

// Accept answers the handshake of a WebSocket with subprotocol carrier.v1. It is nil where r is no
// such handshake: that is answered with a problem.
func Accept(w http.ResponseWriter, r *http.Request) *Conn {
	if !offers(r, Protocol) && r.Header.Get("Upgrade") != "" {
		httpapi.Problem{Status: http.StatusBadRequest, Detail: "the WebSocket must ask for the subprotocol " + Protocol + " (Sec-WebSocket-Protocol)"}.Write(w)
		return nil
	}
	h := &handshake{ResponseWriter: w}
	// Whoever sends an Origin was refused before.
	conn, err := websocket.Accept(h, r, &websocket.AcceptOptions{Subprotocols: []string{Protocol}, InsecureSkipVerify: true})
	if err != nil {
		return nil
	}
	return &Conn{conn, h.raw, h.reader}
}

// offers reports whether r asks for a subprotocol.
func offers(r *http.Request, protocol string) bool {
	return slices.ContainsFunc(r.Header.Values("Sec-WebSocket-Protocol"), func(values string) bool {
		return slices.ContainsFunc(strings.Split(values, ","), func(v string) bool { return strings.TrimSpace(v) == protocol })
	})
}

// A handshake makes problems of the library's refusals, and keeps the connection.
type handshake struct {
	http.ResponseWriter
	status int
	raw    *gathering
	reader *bufio.Reader
}

// WriteHeader keeps the status of a refusal, which Write needs.
func (h *handshake) WriteHeader(status int) {
	if h.status = status; status == http.StatusSwitchingProtocols {
		h.ResponseWriter.WriteHeader(status)
	}
}

// Write writes a refusal, whose reason is p.
func (h *handshake) Write(p []byte) (int, error) {
	httpapi.Problem{Status: h.status, Detail: strings.TrimSpace(string(p))}.Write(h.ResponseWriter)
	return len(p), nil
}

// Hijack takes the connection over.
func (h *handshake) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.raw, h.reader = &gathering{Conn: conn}, rw.Reader
	rw.Writer.Reset(h.raw)
	return h.raw, rw, nil
}
