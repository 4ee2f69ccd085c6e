package test

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A ledger compares what producers were promised with what the worker saw. A message is
// known by its key, from which its whole body follows.
type ledger struct {
	mu       sync.Mutex
	promised map[string]bool    // keys that were acknowledged
	pending  int                // of these, those no worker has accepted
	entries  map[string]*entry  // by key
	groups   map[string][]visit // in the order of arrival
	wrong    []string
	life     int // of the program that is running
}

// An entry is what the worker saw of one message.
type entry struct {
	ids   []string     // message ids, each once
	posts int          // how often it came
	lives map[int]bool // the lives of the program in which it was accepted; false if perhaps too late
}

// A visit is one post of a message of a group.
type visit struct {
	life, place int
}

func newLedger() *ledger {
	return &ledger{promised: map[string]bool{}, entries: map[string]*entry{}, groups: map[string][]visit{}}
}

// bodyOf is the message of that key: the key, and then up to some KiB that follow from it.
func bodyOf(key string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return key + " " + strings.Repeat(key+"\nü|", int(h.Sum32()%300))
}

// promise notes that a producer was told that the message is stored.
func (l *ledger) promise(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.promised[key] = true
	if e := l.entries[key]; e == nil || len(e.lives) == 0 {
		l.pending++
	}
}

// backlog is how many promised messages no worker has accepted yet.
func (l *ledger) backlog() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pending
}

// begin starts a new life of the program, and returns the header that marks its posts.
func (l *ledger) begin() env {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.life++
	return env{"CARRIER_WEBHOOK_HEADERS": fmt.Sprint("X-Life:", l.life)}
}

func lifeOf(r request) int {
	n := 0
	_, _ = fmt.Sscan(r.header("X-Life"), &n)
	return n
}

// arrived notes a post. After an acceptance in the same life of the program there may be
// none, whatever the source does.
func (l *ledger) arrived(r request) {
	key, _, _ := strings.Cut(r.Body, " ")
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[key]
	if e == nil {
		e = &entry{lives: map[int]bool{}}
		l.entries[key] = e
	}
	e.posts++
	if !slices.Contains(e.ids, r.id()) {
		e.ids = append(e.ids, r.id())
	}
	if r.Body != bodyOf(key) {
		l.wrong = append(l.wrong, fmt.Sprintf("%s: the body is not what was sent, %d bytes", key, len(r.Body)))
	}
	if e.lives[lifeOf(r)] {
		l.wrong = append(l.wrong, fmt.Sprintf("%s: posted again in life %d, which had its 2xx", key, lifeOf(r)))
	}
	if group, place, found := cutLast(key, "#"); found {
		v := visit{life: lifeOf(r)}
		_, _ = fmt.Sscan(place, &v.place)
		l.groups[group] = append(l.groups[group], v)
	}
}

// answered notes what a post was answered; it goes before the answer's first byte.
func (l *ledger) answered(r request, a answer) {
	if !strings.HasPrefix(a.Wire, "HTTP/1.1 2") || a.Cut {
		return
	}
	key, _, _ := strings.Cut(r.Body, " ")
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[key]
	if len(e.lives) == 0 && l.promised[key] {
		l.pending--
	}
	e.lives[lifeOf(r)] = true
}

// refused notes that an answer came too late: the source may or may not have done what it says, and
// the message may come again in the same life.
func (l *ledger) refused(r request, _ answer) {
	key, _, _ := strings.Cut(r.Body, " ")
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.entries[key]; e.lives[lifeOf(r)] {
		e.lives[lifeOf(r)] = false
	}
}

// now is the life of the program that runs.
func (l *ledger) now() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprint(l.life)
}

// missing are the keys that were promised and never accepted by the worker.
func (l *ledger) missing() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var keys []string
	for key := range l.promised {
		if e := l.entries[key]; e == nil || len(e.lives) == 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// duplicates counts, by the life that ended between, the messages that were accepted
// again in a later life.
func (l *ledger) duplicates() map[int]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	count := map[int]int{}
	for _, e := range l.entries {
		var lives []int
		for life := range e.lives {
			lives = append(lives, life)
		}
		slices.Sort(lives)
		for _, life := range lives[:max(0, len(lives)-1)] {
			count[life]++
		}
	}
	return count
}

// close compares everything. once says that no message may have come twice at all.
func (l *ledger) close(t *testing.T, once bool) {
	t.Helper()
	if lost := l.missing(); len(lost) > 0 {
		t.Errorf("%d messages were promised and never accepted by the worker, among them %q", len(lost), lost[:min(5, len(lost))])
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, wrong := range l.wrong[:min(10, len(l.wrong))] {
		t.Error(wrong)
	}
	for key, e := range l.entries {
		if len(e.ids) > 1 {
			t.Errorf("%s came under the ids %q", key, e.ids)
		}
		if once && e.posts > 1 {
			t.Errorf("%s was posted %d times, and there was no fault", key, e.posts)
		}
	}
	for group, visits := range l.groups {
		slices.SortStableFunc(visits, func(a, b visit) int { return a.life - b.life })
		if !slices.IsSortedFunc(visits, func(a, b visit) int { return a.place - b.place }) {
			t.Errorf("group %s came out of order", group)
		}
	}
}

// say is the worker's answer to a post that was noted.
func (l *ledger) say(choose func() answer) script {
	return func(_ int, r request) answer {
		l.arrived(r)
		return choose()
	}
}

// accepted says whether a producer may count on r.
func accepted(r *http.Response) bool { return r.StatusCode/100 == 2 }
