package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A moment is something that happened while a pod went.
type moment string

// The moments, as they are printed.
const (
	kubeletTold   moment = "kubelet: hears of the deletion"
	kubeletBegins moment = "kubelet: begins to end the containers"
	drainBegins   moment = "carrier: the drain begins"
	carrierTold   moment = "carrier: SIGTERM"
	carrierEnds   moment = "carrier: ends"
	settled       moment = "carrier: a message is settled as delivered"
	worksOn       moment = "worker: begins to work on a message"
	workerTold    moment = "worker: SIGTERM"
	workerEnds    moment = "worker: ends"
	workerListens moment = "worker: listens"
)

// what says which moment a line tells of; empty for none.
func (l line) what() moment {
	switch l.from {
	case "carrier":
		return carrierSays(l.text)
	case "kubelet":
		switch {
		case strings.Contains(l.text, `"SyncLoop DELETE"`):
			return kubeletTold
		case strings.Contains(l.text, `"Killing container with a grace period`):
			return kubeletBegins
		}
		return ""
	}
	switch {
	case strings.HasPrefix(l.text, "worker: POST "):
		return worksOn
	case l.text == "worker: stopping":
		return workerTold
	case l.text == "worker: stopped":
		return workerEnds
	case strings.HasPrefix(l.text, "worker: listening"):
		return workerListens
	}
	return ""
}

func carrierSays(text string) moment {
	var said struct {
		Message string `json:"msg"`
	}
	if json.Unmarshal([]byte(text), &said) != nil {
		return ""
	}
	return map[string]moment{
		"stopping, no message is received from here on": drainBegins,
		"stopping":          carrierTold,
		"stopped":           carrierEnds,
		"message delivered": settled,
	}[said.Message]
}

// print writes the departure down, in seconds since the kubelet heard of the deletion.
func (d departure) print() {
	zero, _, err := d.when(kubeletTold)
	if err != nil {
		zero = d.deleted
	}
	lines := slices.SortedFunc(slices.Values(d.lines), func(a, b line) int { return a.at.Compare(b.at) })
	said := map[moment]bool{} // by the kubelet, which says the same of each container, and again later
	for _, l := range lines {
		what := l.what()
		if what == "" || said[what] {
			continue
		}
		said[what] = l.from == "kubelet"
		fmt.Printf("   %+8.3f s  %s\n", l.at.Sub(zero).Seconds(), what)
	}
	for _, name := range []string{"worker", "carrier"} {
		if end := d.last.container(name).State.Terminated; end != nil {
			fmt.Printf("   %s: exit code %d, %s\n", name, end.ExitCode, end.Reason)
		}
	}
}

// when returns when something happened first, and last.
func (d departure) when(what moment) (first, last time.Time, err error) {
	for _, l := range d.lines {
		if l.what() != what {
			continue
		}
		if first.IsZero() || l.at.Before(first) {
			first = l.at
		}
		if l.at.After(last) {
			last = l.at
		}
	}
	if first.IsZero() {
		err = fmt.Errorf("never seen: %s", what)
	}
	return first, last, err
}

// inOrder fails unless the moments happened one after the other. Of what happened more
// than once the last time counts: it is the message in flight that is settled last.
func (d departure) inOrder(moments ...moment) error {
	var before moment
	var since time.Time
	for _, what := range moments {
		_, last, err := d.when(what)
		if err != nil {
			return err
		}
		if last.Before(since) {
			return fmt.Errorf("%q came %v before %q", what, since.Sub(last), before)
		}
		before, since = what, last
	}
	return nil
}

// ended fails unless both containers ended with 0, as both do that are not killed.
func (d departure) ended() error {
	for _, name := range []string{"worker", "carrier"} {
		c := d.last.container(name)
		if c.State.Terminated == nil {
			return fmt.Errorf("%s: its end was not seen", name)
		}
		if code := c.State.Terminated.ExitCode; code != 0 || c.RestartCount != 0 {
			return fmt.Errorf("%s ended with %d after %d restarts", name, code, c.RestartCount)
		}
	}
	return nil
}
