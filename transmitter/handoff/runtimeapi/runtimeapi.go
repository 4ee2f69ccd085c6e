// Package runtimeapi is Lambda's runtime API (AWS Lambda Developer Guide, "Using the Lambda runtime API
// for custom runtimes", version 2018-06-01): functions written for Lambda take messages by it as the
// event of an SQS queue, and say what became of each.
package runtimeapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"carrier/internal/httpapi"
	"carrier/message"
	"carrier/transmitter/handoff"
)

// Base is what all paths of the runtime API begin with, behind the prefix of a route.
const Base = "/2018-06-01/runtime/"

const (
	// grace is how much longer than its deadline a function may take to say how it ended: one that
	// minds its deadline ends at that.
	grace = time.Second
	// remembered is how long after its deadline an invocation without an answer is known.
	remembered = 10 * time.Minute
	// forever is a wait without a limit.
	forever time.Duration = 1<<63 - 1
)

// A Route is one whose messages functions take.
type Route struct {
	// Name is empty for the route without a name.
	Name string
	// Table is where its messages are handed over.
	Table *handoff.Table
	// Records is the most messages in one invocation, and Lease the time that it may take.
	Records int
	Lease   time.Duration
	// Shown is a message as consumers see it.
	Shown func(*message.Message) *message.Message
}

// Options is what an API is made of. All of it is required.
type Options struct {
	// Take waits for up to most messages of a table, as long as wait for the first one. There are none
	// where ctx ends first; the problem says why none are handed over.
	Take func(ctx context.Context, t *handoff.Table, most int, wait, lease time.Duration) ([]handoff.Handed, *httpapi.Problem)
	// Draining is closed when no more messages are handed over, and Closing when the server is about to
	// end.
	Draining, Closing <-chan struct{}
	// Warn is told of what people should know.
	Warn func(text string)
}

// An API knows the invocations of all routes. It is safe for concurrent use.
type API struct {
	o Options

	mu   sync.Mutex
	open map[string]*invocation
}

// An invocation is messages that a function has, and has not answered to yet.
type invocation struct {
	table  *handoff.Table
	tokens []string
	ids    []string // of the messages, as the event has them
	expiry *time.Timer
}

// New returns an API without routes.
func New(o Options) *API { return &API{o: o, open: map[string]*invocation{}} }

// Handle adds the paths by which the messages of r are taken, behind prefix.
func (a *API) Handle(mux *httpapi.Mux, prefix string, r Route) {
	mux.Handle("GET "+prefix+Base+"invocation/next", http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.Method == http.MethodHead { // which the mux takes for GET: the messages would be lost
			httpapi.Problem{Status: http.StatusMethodNotAllowed, Header: http.Header{"Allow": {http.MethodGet}}}.Write(w)
			return
		}
		a.next(r, w, request)
	}))
	a.HandleAnswers(mux, prefix)
}

// HandleAnswers adds the paths by which functions answer, behind prefix. An invocation is known behind
// every prefix.
func (a *API) HandleAnswers(mux *httpapi.Mux, prefix string) {
	mux.Handle("POST "+prefix+Base+"invocation/{id}/response", http.HandlerFunc(a.response))
	mux.Handle("POST "+prefix+Base+"invocation/{id}/error", http.HandlerFunc(a.failure))
	mux.Handle("POST "+prefix+Base+"init/error", http.HandlerFunc(a.initError))
}

// begin notes an invocation, and returns its id.
func (a *API) begin(i *invocation, lease time.Duration) (id string) {
	id = newID()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open[id] = i
	i.expiry = time.AfterFunc(lease+remembered, func() { a.claim(id) })
	return id
}

// claim returns the invocation, which is forgotten with that; nil where none has this id.
func (a *API) claim(id string) *invocation {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.open[id]
	if i != nil {
		i.expiry.Stop()
		delete(a.open, id)
	}
	return i
}
