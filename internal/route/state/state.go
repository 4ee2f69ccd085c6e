// Package state is what GET /v1/state of the admin port answers.
package state

// A Route is what a route does at one moment, as GET /v1/state tells of it.
type Route struct {
	Name     string `json:"name"`
	Receiver string `json:"receiver"`
	Source   string `json:"source"`
	// State is up, down, paused or draining, and Reasons say why it is not up.
	State   string   `json:"state"`
	Reasons []string `json:"reasons"`
	// InFlight messages were received and are not settled; the worker holds Limit of them at most.
	InFlight int `json:"in_flight"`
	Limit    int `json:"limit"`
	// Received and Settled, by outcome, count since the start.
	Received int64            `json:"received"`
	Settled  map[string]int64 `json:"settled"`
	// OldestSeconds is the age of the oldest message that is due in the ingest queue; Queued and
	// DeadLetters count its messages. All are 0 with other receivers.
	OldestSeconds int64      `json:"oldest_seconds"`
	Queued        int        `json:"queued"`
	DeadLetters   int        `json:"dead_letters"`
	Endpoints     []Endpoint `json:"endpoints"`
	// Fallback names the routes that messages go on to. A route that others name so has FallbackFor,
	// receives nothing, and has neither receiver nor source.
	Fallback    []string `json:"fallback,omitempty"`
	FallbackFor []string `json:"fallback_for,omitempty"`
}

// An Endpoint is one place that a route's messages are posted to.
type Endpoint struct {
	// URL has no user, password or query in it.
	URL string `json:"url"`
	// Breaker is closed, open or half-open; closed where there is none.
	Breaker string `json:"breaker"`
}

// A Process is the answer to GET /v1/state.
type Process struct {
	Version string  `json:"version"`
	Routes  []Route `json:"routes"`
}
