package ingest

import (
	"net/http"

	"carrier/message"
	"carrier/receiver/ingest/request"
	"carrier/receiver/ingest/topic"
)

// topics says which subscriptions get a request, by its path.
type topics struct {
	subscriptions []Subscription
	// everything says that there is no path that not all of them get.
	everything bool
}

func newTopics(subscriptions []Subscription) topics {
	t := topics{everything: true, subscriptions: make([]Subscription, len(subscriptions))}
	for i, s := range subscriptions {
		normal := make([]string, len(s.Topics))
		for j, name := range s.Topics {
			normal[j] = topic.Of(name)
			t.everything = t.everything && name == topic.Every
		}
		s.Topics = normal
		t.subscriptions[i] = s
	}
	return t
}

// match returns the subscriptions that get a request with an escaped path, a bit for each by its
// number. Where it matters which ones they are, or one of them repeats the request at its worker's, a
// path that climbs is refused: nobody could say what it is below of.
func (t topics) match(path string) (to uint64, p *request.Problem) {
	normal, replay := topic.Normal(path), false
	for i, s := range t.subscriptions {
		if t.everything || topic.Match(s.Topics, normal) {
			to |= 1 << i
			replay = replay || s.Replay
		}
	}
	if err := message.CheckPath(path); err != nil && (replay || !t.everything) {
		return 0, request.NewProblem(http.StatusBadRequest, err.Error())
	}
	if to == 0 {
		return 0, request.NoSubscriber()
	}
	return to, nil
}
