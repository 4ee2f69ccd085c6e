package config

import (
	"fmt"
	"slices"
	"strings"

	"carrier/config/queues"
	"carrier/config/variable"
)

// inferable are the receivers that their variables decide for; with none of these it is ingest.
func inferable() []string { return []string{SQS, PubSub, NATS} }

// infer chooses the route's receiver where none is named, and checks that it is built in.
func (k *check) infer() {
	const name = "CARRIER_RECEIVER"
	r := k.route
	if r.IsFallback() {
		r.Receiver = ""
		return
	}
	if r.Receiver != "" {
		r.Receiver = strings.ToLower(r.Receiver)
		if !slices.Contains(k.receivers, r.Receiver) {
			k.fault(name, "must be "+k.builtIn())
		}
		return
	}
	found := k.deciding()
	because := "no queue is named, which means ingest; "
	switch len(found) {
	case 0:
		r.Receiver = Ingest
	case 1:
		r.Receiver = found[0].receiver
		because = fmt.Sprintf("%s is set, which means %s; ", found[0].variable, r.Receiver)
	default:
		k.fault(name, fmt.Sprintf("must be set where both %s and %s are", found[0].variable, found[1].variable))
		return
	}
	if !slices.Contains(k.receivers, r.Receiver) {
		k.fault(name, because+"must be "+k.builtIn())
	}
}

// A sign is a variable that is set and decides for a receiver.
type sign struct{ receiver, variable string }

// deciding returns what decides for a receiver, at most one sign for each: of the route's own
// variables, or else of the process-wide ones that name a source.
func (k *check) deciding() []sign {
	var found []sign
	for _, receiver := range inferable() {
		if k.isTargetsOwn(receiver) && (k.route.Name == "" || k.route.Forwards()) {
			continue
		}
		if name := k.firstSet(receiver); name != "" {
			found = append(found, sign{receiver, name})
		}
	}
	if len(found) > 0 || k.route.Name == "" {
		return found
	}
	for _, receiver := range inferable() {
		if k.isTargetsOwn(receiver) {
			continue
		}
		for _, name := range queues.SourceNames(receiver) {
			if v, _ := k.variable(name); v.Set() {
				found = append(found, sign{receiver, name})
				break
			}
		}
	}
	return found
}

// isTargetsOwn reports whether variables of engine say which queue the route forwards to, and not that it
// receives from there: they do unless a source is named, and by what is not the name of the target.
func (k *check) isTargetsOwn(engine string) bool {
	return k.route.Forward.To == engine && (len(k.setOf("", queues.SourceNames(engine))) == 0 ||
		engine == SQS && len(k.setOf(prefix+"FORWARD_SQS_", []string{"QUEUE_NAME", "QUEUE_URL"})) == 0)
}

// firstSet returns the first of the route's own variables that is set and belongs to receiver by
// its name, in the order of the alphabet. Names that are in no reference decide nothing: Kubernetes
// makes CARRIER_SQS_SERVICE_HOST and more for a Service that is called carrier-sqs.
func (k *check) firstSet(receiver string) string {
	start := k.route.own(prefix + strings.ToUpper(receiver) + "_")
	own := k.ownNames()
	for _, name := range variable.Names(prefix) {
		if strings.HasPrefix(name, start) && slices.Contains(own, name) {
			return name
		}
	}
	return ""
}

func (k *check) builtIn() string {
	return fmt.Sprintf("a receiver that this binary has built in: %s", strings.Join(k.receivers, ", "))
}
