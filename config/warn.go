package config

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"carrier/internal/netaddr"
)

// warnings lists what is allowed and yet unlikely to be meant.
func (k *check) warnings() []string { return append(k.idle(), k.risks()...) }

// idle lists the variables that nobody reads.
func (k *check) idle() []string {
	receiver := k.config.Receiver
	var all []string
	for _, name := range carrierNames() {
		owner := belongs(name)
		switch {
		case !k.known(name) && !serviceLink(name):
			all = append(all, fmt.Sprintf("%s: unknown variable, the nearest known one is %s", name, k.nearest(name)))
		case k.known(name) && owner != "" && receiver != "" && owner != receiver:
			all = append(all, fmt.Sprintf("%s: has no effect with the %s receiver", name, receiver))
		}
	}
	if k.config.SQS.QueueOwner != "" && k.config.SQS.QueueURL != "" {
		all = append(all, "CARRIER_SQS_QUEUE_OWNER: has no effect with CARRIER_SQS_QUEUE_URL")
	}
	return all
}

// risks lists the choices that weaken security.
func (k *check) risks() []string {
	c := k.config
	var all []string
	if c.Webhook.InsecureSkipVerify {
		all = append(all, "CARRIER_WEBHOOK_TLS_INSECURE_SKIP_VERIFY: the worker's certificate is not checked")
	}
	if c.Receiver == Ingest && c.Ingest.AllowAnonymous && c.Ingest.Token.Reveal() == "" && !netaddr.IsLoopback(c.Ingest.Address) {
		all = append(all, "CARRIER_INGEST_ALLOW_ANONYMOUS: whoever reaches CARRIER_INGEST_ADDRESS may store messages")
	}
	return all
}

// carrierNames returns the names of ours in the environment that are not empty, sorted.
func carrierNames() []string {
	var names []string
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, prefix) && value != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// serviceLink reports whether name is one that Kubernetes makes for a Service of the namespace.
func serviceLink(name string) bool {
	return strings.HasSuffix(name, "_SERVICE_HOST") || strings.Contains(name, "_SERVICE_PORT") ||
		strings.HasSuffix(name, "_PORT") || strings.Contains(name, "_PORT_")
}

// belongs names the receiver that the variable called name is for, if it is for one.
func belongs(name string) string {
	for _, receiver := range []string{SQS, PubSub, NATS, Ingest} {
		if strings.HasPrefix(name, prefix+strings.ToUpper(receiver)+"_") {
			return receiver
		}
	}
	switch name {
	case "CARRIER_DEAD_LETTER_QUEUE_URL":
		return SQS
	case "CARRIER_DEAD_LETTER_TOPIC":
		return PubSub
	case "CARRIER_DEAD_LETTER_SUBJECT":
		return NATS
	}
	return ""
}

func (k *check) known(name string) bool { return slices.Contains(k.names(), name) }

// names lists every variable, the secrets' _FILE forms included.
func (k *check) names() []string {
	var names []string
	for _, v := range k.vars {
		names = append(names, v.name)
		if v.secret() {
			names = append(names, v.name+fileSuffix)
		}
	}
	return names
}

func (k *check) nearest(name string) string {
	return slices.MinFunc(k.names(), func(a, b string) int {
		return levenshtein.ComputeDistance(name, a) - levenshtein.ComputeDistance(name, b)
	})
}
