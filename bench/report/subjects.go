// Package report turns what the benchmark measured into tables, plots and verdicts on its aims.
package report

import "strconv"

// The subjects, as they are named in tables.
const (
	Carrier  = "carrier"
	NetHTTP  = "nethttp"
	FastHTTP = "fasthttp"
	BareTCP  = "bare"

	FourReceivers = "carrier, 4 receivers"

	Delivering = "carrier, delivering"
	Storing    = "carrier, worker away"
	Bolt       = "bbolt"
	BoltRemove = "bbolt, removing too"
	BoltServer = "bbolt behind a bare server"
	BoltNet    = "bbolt behind net/http"

	Usual  = "carrier, net/http's worker"
	Pull   = "carrier, pull"
	Stream = "carrier, stream"

	Door     = "carrier, queue"
	DoorBoth = "carrier, queue+file"
	Forwards = "carrier, file, forwarded"
	Engine   = "the engine's client"
	Ten      = "the same, ten a call"
	InNet    = "the client behind net/http"
	InServer = "the client behind a bare server"

	OneRoute = "carrier, one route"

	AuditStdout = "carrier, audit on stdout"
	AuditFiles  = "carrier, audit in files"

	StartedOnIt = "carrier, started on it"

	FourSubscriptions = "four subscriptions"
	FourAndADeadOne   = "four, and a dead one"
)

// Subscriptions is the subject of a file with n subscriptions.
func Subscriptions(n int) string {
	if n == 1 {
		return "one subscription"
	}
	return strconv.Itoa(n) + " subscriptions"
}

// BacklogStep is how many messages lie between two samples of the scenario backlog.
const BacklogStep = 50_000
