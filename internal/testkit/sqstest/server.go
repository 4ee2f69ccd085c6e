package sqstest

import (
	"net/http"
	"strings"

	"carrier/internal/testkit/sqstest/service"
	"carrier/internal/testkit/sqstest/shapes"
)

// What a test sees of the service and of its protocol.
type (
	// Options say what the server calls itself, and how it differs from Amazon's.
	Options = service.Options
	// A Queue is one queue of the server.
	Queue = service.Queue
	// A Message is a message to be sent.
	Message = service.Message
	// An Attribute is one message attribute.
	Attribute = shapes.Attribute
	// An Error is an answer that is no success.
	Error = shapes.Error
	// An EntryFault is a failure of one entry of a batch.
	EntryFault = service.EntryFault
	// Counts says where a queue's messages are.
	Counts = service.Counts
	// A Peek is what a message looks like from within the queue.
	Peek = service.Peek
	// A Receive is one ReceiveMessage call of the journal.
	Receive = service.Receive
	// A Deletion is one deletion of the journal.
	Deletion = service.Deletion
	// A VisibilityChange is one change of the journal.
	VisibilityChange = service.VisibilityChange
)

// Text is a String attribute.
func Text(value string) Attribute { return shapes.Text(value) }

// A Server is the whole service behind HTTP. Its methods are safe for concurrent use.
type Server struct {
	*service.Service
	faults faults
	calls  callLog
}

// New returns a server that holds no queue and listens nowhere: it is an
// http.Handler, and Listen and Pipe serve it.
func New(o Options) *Server { return &Server{Service: service.New(o)} }

// ServeHTTP answers one call of the JSON 1.0 protocol, and GET /health with 200.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.URL.Path == "/health" {
		w.WriteHeader(http.StatusOK)
		return
	}
	op := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	c := &call{s: s, op: op, base: "http://" + r.Host}
	c.n = s.calls.begin(op, Call{At: s.Now(), Op: op, Credential: credential(r.Header.Get("Authorization"))})
	defer s.calls.end(op)
	c.fault = s.faults.next(Call{Op: op, N: c.n})
	c.serve(w, r)
}

// credential is what an Authorization header names as its signer, such as
// AKID/20260102/us-east-1/sqs/aws4_request.
func credential(authorization string) string {
	_, rest, _ := strings.Cut(authorization, "Credential=")
	scope, _, _ := strings.Cut(rest, ",")
	return scope
}
