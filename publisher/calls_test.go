package publisher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"carrier/message"
)

// of makes one message for each word: a body, or a group, a colon and a body.
func of(words string) []*message.Message {
	var batch []*message.Message
	for _, word := range strings.Fields(words) {
		group, body, found := strings.Cut(word, ":")
		if !found {
			group, body = "", word
		}
		batch = append(batch, &message.Message{Group: group, Body: []byte(body)})
	}
	return batch
}

// A log writes down the calls that were made, the bodies of each sorted.
type log struct {
	mu    sync.Mutex
	calls []string
	fails map[string]bool // bodies
}

func (l *log) send(_ context.Context, batch []*message.Message) []Result {
	var bodies []string
	results := make([]Result, len(batch))
	for i, m := range batch {
		bodies = append(bodies, string(m.Body))
		results[i].ID = string(m.Body)
		if l.fails[string(m.Body)] {
			results[i] = Result{Err: errors.New("lost")}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, strings.Join(bodies, "+"))
	return results
}

func TestMessagesArePutTogetherAsTheQueueAllows(t *testing.T) {
	size := func(m *message.Message) int { return len(m.Body) }
	for name, c := range map[string]struct {
		calls Calls
		in    string
		want  string // the calls, sorted
	}{
		"one a call":                       {Calls{}, "a b", "a b"},
		"as many as a call takes":          {Calls{Most: 2}, "a b c d e", "a+b c+d e"},
		"as many bytes as a call takes":    {Calls{Most: 9, Bytes: 3, Size: size}, "aa b cc dddd e", "aa+b cc dddd e"},
		"one of each group a call":         {Calls{Most: 9}, "g:1 h:1 g:2 x g:3 h:2", "1+1+x 2+2 3"},
		"groups apart":                     {Calls{Most: 9, GroupsApart: true}, "g:1 a h:2 b", "1 2 a+b"},
		"nothing":                          {Calls{Most: 9}, "", ""},
		"messages without a group at once": {Calls{Most: 9, AtOnce: 3}, "a b c", "a+b+c"},
	} {
		t.Run(name, func(t *testing.T) {
			l := &log{}
			c.calls.Send = l.send
			batch := of(c.in)
			for i, r := range c.calls.Publish(t.Context(), batch) {
				if r.Err != nil || r.ID != string(batch[i].Body) {
					t.Errorf("result %d = %+v", i, r)
				}
			}
			slices.Sort(l.calls)
			if got := strings.Join(l.calls, " "); got != c.want {
				t.Errorf("calls = %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhatIsBehindAMessageThatFailedIsNotSent(t *testing.T) {
	l := &log{fails: map[string]bool{"g2": true}}
	results := Calls{Most: 9, Send: l.send}.Publish(t.Context(), of("g:g1 h:h1 g:g2 h:h2 g:g3 h:h3 g:g4"))
	var got []string
	for _, r := range results {
		got = append(got, fmt.Sprint(r.Err == nil, " ", IsRefused(r.Err)))
	}
	if want := "true false|true false|false false|true false|false true|true false|false true"; strings.Join(got, "|") != want {
		t.Errorf("stored and refused: %s, want %s", strings.Join(got, "|"), want)
	}
	if calls := strings.Join(l.calls, " "); strings.Contains(calls, "g3") || strings.Contains(calls, "g4") {
		t.Errorf("calls = %s", calls)
	}
}

func TestWhatWasNotSentBeforeTheEndIsRefused(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := &log{}
	results := Calls{Send: func(ctx context.Context, batch []*message.Message) []Result {
		cancel()
		return l.send(ctx, batch)
	}}.Publish(ctx, of("a b"))
	if results[0].Err != nil || !IsRefused(results[1].Err) || !errors.Is(results[1].Err, context.Canceled) {
		t.Errorf("results = %+v", results)
	}
}

func TestNoResultAndAPanicAreUnknown(t *testing.T) {
	for name, send := range map[string]func(context.Context, []*message.Message) []Result{
		"no result": func(context.Context, []*message.Message) []Result { return nil },
		"panic":     func(context.Context, []*message.Message) []Result { panic("a fault") },
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range (Calls{Most: 2, Send: send}).Publish(t.Context(), of("a b")) {
				if r.Err == nil || IsRefused(r.Err) {
					t.Errorf("result = %+v, want one that is unknown", r)
				}
			}
		})
	}
}

func TestErrorsSayWhatTheyMean(t *testing.T) {
	for name, c := range map[string]struct {
		err                error
		refused, permanent bool
		why                Why
	}{
		"none":               {nil, false, false, NotNow},
		"unknown":            {errors.New("cut"), false, false, NotNow},
		"not now":            {&Refusal{NotNow, errors.New("throttled")}, true, false, NotNow},
		"too large":          {fmt.Errorf("queue q: %w", &Refusal{TooLarge, errors.New("large")}), true, true, TooLarge},
		"cannot be kept":     {&Refusal{Unsupported, errors.New("delay")}, true, true, Unsupported},
		"the zero why waits": {&Refusal{Err: errors.New("x")}, true, false, NotNow},
	} {
		t.Run(name, func(t *testing.T) {
			if IsRefused(c.err) != c.refused || IsPermanent(c.err) != c.permanent || WhyOf(c.err) != c.why {
				t.Errorf("%v: refused %v, permanent %v, why %v", c.err, IsRefused(c.err), IsPermanent(c.err), WhyOf(c.err))
			}
		})
	}
}

func TestSpareCountsWhatAMessageHas(t *testing.T) {
	l := Limits{Attributes: 4, Marks: func(body []byte) int { return min(len(body), 1) }}
	m := &message.Message{Attributes: make([]message.Attribute, 1), BinaryAttributes: make([]message.Attribute, 1)}
	if n := l.Spare(m); n != 2 {
		t.Errorf("Spare = %d, want 2", n)
	}
	m.Body = []byte("x")
	if n := l.Spare(m); n != 1 {
		t.Errorf("Spare = %d, want 1 beside a mark", n)
	}
	m.Attributes = make([]message.Attribute, 9)
	if n := l.Spare(m); n != 0 {
		t.Errorf("Spare = %d, want 0", n)
	}
}
