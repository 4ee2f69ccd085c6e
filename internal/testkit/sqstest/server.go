package sqstest

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options say what the server calls itself. The zero value is ready to use.
type Options struct {
	// Region is part of every ARN; us-east-1 when empty.
	Region string
	// Account owns every queue; 000000000000 when empty.
	Account string
	// SilentOnExpired makes a standard queue answer a visibility change with a
	// handle that has lapsed with success, and do nothing. The service has been
	// seen to do that, though it documents MessageNotInflight, which is what the
	// zero value answers.
	SilentOnExpired bool
	// OldAttributeNames makes the server know AttributeNames of a receive, and nothing of
	// MessageSystemAttributeNames, which came to the service in 2024.
	OldAttributeNames bool
}

// A Server is the whole service. All its methods may be called at once, and at any time.
type Server struct {
	options    Options
	operations map[string]operation
	faults     faults
	calls      callLog

	mu      sync.Mutex // guards everything below and every queue
	offset  time.Duration
	queues  map[string]*Queue
	deleted map[string]time.Time
	serial  int64
}

// New returns a server that holds no queue and listens nowhere: it is an
// http.Handler, and Listen and Pipe serve it.
func New(o Options) *Server {
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Account == "" {
		o.Account = "000000000000"
	}
	s := &Server{options: o, queues: map[string]*Queue{}, deleted: map[string]time.Time{}}
	s.operations = operations()
	return s
}

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

// A finder is a request that names its queue.
type finder interface{ queueURL() string }

// find returns the queue that in names. Only the path of the URL counts, so that a
// server is the same under every name it is reached by. The caller holds s.mu.
func (s *Server) find(in finder) (*Queue, *Error) {
	url := in.queueURL()
	if url == "" {
		return nil, missingParameter("QueueUrl")
	}
	parts := strings.Split(strings.TrimRight(url, "/"), "/")
	if len(parts) < 2 || parts[len(parts)-2] != s.options.Account {
		return nil, QueueDoesNotExist()
	}
	q, ok := s.queues[parts[len(parts)-1]]
	if !ok {
		return nil, QueueDoesNotExist()
	}
	return q, nil
}
