package config

import (
	"path"
	"strings"
	"time"

	"carrier/config/variable"
	"carrier/internal/netaddr"
)

// The transmitters whose messages consumers ask for: the same one, by two names.
const (
	Pull   = "pull"
	Stream = "stream"
)

const (
	// usualWorkerAddress is where consumers take messages unless another address is set.
	usualWorkerAddress = "127.0.0.1:9020"
	// usualHeld is how many messages consumers hold at once, at most, unless that is set.
	usualHeld = 100
	// longestSocket is the most bytes in the path of a Unix socket.
	longestSocket = 107
)

// WorkerOptions is the address where consumers take messages, and where they and webhook workers
// settle them.
type WorkerOptions struct {
	Address string `envconfig:"CARRIER_WORKER_ADDRESS" shown:"127.0.0.1:9020 with pull or stream, else off" allowed:"host:port, :port, or unix:// and the path of a socket" desc:"Where consumers take messages (pull and stream) and settle them. With the webhook it lets workers answer later: each POST has an X-Carrier-Token (docs/later.md). A socket is open to its owner and group."`
	Token   Secret `envconfig:"CARRIER_WORKER_TOKEN" allowed:"visible ASCII without spaces" desc:"When set, every request to CARRIER_WORKER_ADDRESS must send it as a bearer token. It must be set where that address is neither loopback nor a Unix socket."`
	Hosts   List   `envconfig:"CARRIER_WORKER_HOSTS" allowed:"names of hosts, comma-separated, without a port" desc:"Names by which CARRIER_WORKER_ADDRESS may be asked, beside addresses and localhost."`
}

// PullOptions says how consumers take messages.
type PullOptions struct {
	Lease time.Duration `envconfig:"CARRIER_PULL_LEASE" default:"30s" min:"1s" max:"12h" desc:"Time that a consumer has for a message before it must settle or extend it, with pull and stream; the time limit of Lambda functions there; and of a webhook worker that answers later without X-Carrier-Hold."`
}

// Asked reports whether consumers ask for the route's messages.
func (r *Route) Asked() bool { return r.Transmitter == Pull || r.Transmitter == Stream }

// completeWorker fills in the defaults of a route whose messages consumers ask for.
func (r *Route) completeWorker(c *Config, set func(ref string) bool) {
	if !r.Asked() {
		return
	}
	if !set("CARRIER_CONCURRENCY") {
		r.Concurrency = usualHeld
	}
	if c.Worker.Address == "" {
		c.Worker.Address = usualWorkerAddress
	}
}

// worker checks the worker address.
func (k *check) worker(w WorkerOptions) {
	const address = "CARRIER_WORKER_ADDRESS"
	k.token("CARRIER_WORKER_TOKEN", w.Token)
	k.hosts("CARRIER_WORKER_HOSTS", w.Hosts)
	socket, is := strings.CutPrefix(w.Address, "unix://")
	switch {
	case w.Address == "":
	case is:
		k.require(address, path.IsAbs(socket) && path.Clean(socket) == socket && socket != "/" && len(socket) <= longestSocket)
	default:
		k.require(address, netaddr.Listenable(w.Address))
		if w.Token.Reveal() == "" && !k.faulty("CARRIER_WORKER_TOKEN"+variable.FileSuffix) && !netaddr.IsLoopback(w.Address) {
			k.fault(address, "must be a loopback address or a Unix socket, unless CARRIER_WORKER_TOKEN is set")
		}
	}
}
