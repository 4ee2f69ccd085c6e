package deadletters

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
	gonats "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"carrier/internal/deadletter"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/nats"
)

// heard collects what a redrive has to say.
type heard struct{ text string }

func (h *heard) note(text string) { h.text += text + "\n" }

func TestLetterGoesBackToTheSubjectItCameFrom(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shape shape
		from  string // empty: the letter does not say
		want  string // empty: it is left
	}{
		"the one it says":                                {shape{}, "S.in", "S.in"},
		"the only one that the consumer gets":            {shape{consumer: func(c *jetstream.ConsumerConfig) { c.FilterSubject = "S.only" }}, "", "S.only"},
		"the only one that the stream takes":             {shape{source: func(c *jetstream.StreamConfig) { c.Subjects = []string{"one"} }}, "", "one"},
		"one of many, and it does not say":               {shape{}, "", ""},
		"one that the consumer does not get":             {shape{consumer: func(c *jetstream.ConsumerConfig) { c.FilterSubject = "S.only" }}, "S.in", ""},
		"one that the stream does not take":              {shape{}, "D.in", ""},
		"one of the server's own":                        {shape{source: func(c *jetstream.StreamConfig) { c.Subjects = nil }}, "$JS.API.STREAM.DELETE.S", ""},
		"a pattern, which is nothing to be published to": {shape{}, "S.*", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := over(t, c.shape)
			id := b.putFrom(t, c.from, &message.Message{ID: "first", Body: []byte("a")})
			var said heard
			p, err := b.Redrive(t.Context(), deadletter.Request{Note: said.note})
			must(t, err)
			if got := strings.Join(b.subjects(t), " "); got != c.want {
				t.Errorf("it went to %q, want %q; %s", got, c.want, said.text)
			}
			if c.want != "" {
				return
			}
			if p != (deadletter.Progress{}) || b.Left(t) != 1 || !strings.Contains(said.text, "1 letters are left") || !strings.Contains(said.text, id) {
				t.Errorf("%+v, %d left: %s", p, b.Left(t), said.text)
			}
			// Asked for by name it is a failure.
			p, err = b.Redrive(t.Context(), deadletter.Request{IDs: []string{id, id}})
			if err != nil || p != (deadletter.Progress{Failed: 1}) {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

// TestRejectedMessageComesBackWhereItCameFrom takes the way of a message through the receiver.
func TestRejectedMessageComesBackWhereItCameFrom(t *testing.T) {
	t.Parallel()
	b := over(t, shape{})
	r := nats.New(b.options)
	must(t, r.Open(t.Context()))
	defer func() { must(t, r.Close()) }()
	b.server.Publish(t, "S.orders.new", "a", gonats.Header{"Carrier.Subject": {"S.forged"}, "Carrier-Group-Id": {"g"}, "Nats-Msg-Id": {"k"}})
	first := take(t, r)[0]
	must(t, r.Settle(t.Context(), first, message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter, Reason: "no"}))
	p, err := b.Redrive(t.Context(), deadletter.Request{})
	if err != nil || p.Moved != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	m := take(t, r)[0]
	if m.OriginalID != first.ID || m.Group != "g" || m.ReceiveCount != 1 || len(m.Attributes) != 0 {
		t.Errorf("original id %q, want %q; group %q, %v", m.OriginalID, first.ID, m.Group, m.Attributes)
	}
	stream, err := b.server.JS.Stream(t.Context(), "S")
	must(t, err)
	raw, err := stream.GetMsg(t.Context(), 2)
	must(t, err)
	if raw.Subject != "S.orders.new" || !strings.HasPrefix(raw.Header.Get("Nats-Msg-Id"), "redrive:D:1:") {
		t.Errorf("it came back to %s with %v", raw.Subject, raw.Header)
	}
}

// TestLetterThatIsThereAlreadyIsStoredOnce: an earlier redrive was killed between publishing and deleting.
func TestLetterThatIsThereAlreadyIsStoredOnce(t *testing.T) {
	t.Parallel()
	b := over(t, shape{})
	ids := b.put(t, "a", "b")
	b.server.Publish(t, "S.in", "a", gonats.Header{"Nats-Msg-Id": {"redrive:" + ids[0]}})
	p, err := b.Redrive(t.Context(), deadletter.Request{})
	if err != nil || p != (deadletter.Progress{Moved: 2}) || b.server.Left(t, "S") != 2 || b.Left(t) != 0 {
		t.Errorf("%+v, %v; %d there, %d left", p, err, b.server.Left(t, "S"), b.Left(t))
	}
}

func TestLetterIsDeletedOnlyOnceItIsStored(t *testing.T) {
	t.Parallel()
	b := over(t, shape{source: func(c *jetstream.StreamConfig) {
		c.MaxMsgs, c.Discard = 3, jetstream.DiscardNew
	}})
	b.put(t, "a", "b", "c", "d", "e")
	p, err := b.Redrive(t.Context(), deadletter.Request{})
	if err == nil || p != (deadletter.Progress{Moved: 3, Left: 2}) || b.server.Left(t, "S") != 3 || b.Left(t) != 2 {
		t.Errorf("a full stream: %+v, %v; %d there, %d left", p, err, b.server.Left(t, "S"), b.Left(t))
	}
}

func TestLetterThatCannotBeDeletedIsSaidToBeInBothPlaces(t *testing.T) {
	t.Parallel()
	b := over(t, shape{dead: func(c *jetstream.StreamConfig) { c.DenyDelete, c.Retention = true, jetstream.LimitsPolicy }})
	ids := b.put(t, "a")
	p, err := b.Redrive(t.Context(), deadletter.Request{})
	if err == nil || !strings.Contains(err.Error(), ids[0]+" is moved and could not be deleted") || p.Moved != 0 || p.Left != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	if err := b.Drop(t.Context(), ids[0]); err == nil || errors.Is(err, deadletter.ErrNotFound) {
		t.Errorf("Drop: %v", err)
	}
}

// TestLetterThatFailsForGoodDoesNotKeepItsGroup: those behind it are refused with it at first.
func TestLetterThatFailsForGoodDoesNotKeepItsGroup(t *testing.T) {
	t.Parallel()
	b := over(t, shape{source: func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1000 }})
	for _, body := range []string{"a", strings.Repeat("x", 2000), "b", "c"} {
		b.Put(t, &message.Message{ID: "first-" + body[:1], Body: []byte(body), Group: "g"})
	}
	var said heard
	p, err := b.Redrive(t.Context(), deadletter.Request{Note: said.note})
	if err != nil || p != (deadletter.Progress{Moved: 3, Failed: 1}) || b.Left(t) != 1 || !strings.Contains(said.text, "D:2:") {
		t.Errorf("%+v, %v, %d left; %s", p, err, b.Left(t), said.text)
	}
}

// TestLetterThatComesBackMeanwhileIsLeft rejects again what is moved, while the redrive runs.
func TestLetterThatComesBackMeanwhileIsLeft(t *testing.T) {
	t.Parallel()
	b := over(t, shape{})
	for i := range pageMost + 1 {
		b.put(t, fmt.Sprint(i))
	}
	p, err := b.Redrive(t.Context(), deadletter.Request{Report: func(p deadletter.Progress) {
		if p.Moved == pageMost {
			b.put(t, "again")
		}
	}})
	if err != nil || p != (deadletter.Progress{Moved: pageMost + 1}) || b.Left(t) != 1 {
		t.Errorf("%+v, %v, %d left", p, err, b.Left(t))
	}
}

// TestOtherMessagesOfTheStreamAreNoLetters: neither is one of a stream that was made anew.
func TestOtherMessagesOfTheStreamAreNoLetters(t *testing.T) {
	t.Parallel()
	b := over(t, shape{})
	id := b.put(t, "a")[0]
	sequence := b.server.Publish(t, "D.other", "b", nil)
	for _, other := range []string{fmt.Sprintf("D:%d", sequence), "S:1:1", "D:1:1", "D:x:1", "D", ""} {
		if _, err := b.Show(t.Context(), other); !errors.Is(err, deadletter.ErrNotFound) {
			t.Errorf("Show(%q): %v", other, err)
		}
		if err := b.Drop(t.Context(), other); !errors.Is(err, deadletter.ErrNotFound) {
			t.Errorf("Drop(%q): %v", other, err)
		}
	}
	letters, next, err := b.List(t.Context(), "", 10)
	if err != nil || next != "" || len(letters) != 1 || letters[0].ID != id {
		t.Errorf("%v, %q, %v", letters, next, err)
	}
}

func TestNothingIsLeftBehindAtTheServer(t *testing.T) {
	t.Parallel()
	b := over(t, shape{})
	ids := b.put(t, "a", "b", "c")
	_, _, err := b.List(t.Context(), "", 10)
	must(t, err)
	_, err = b.Show(t.Context(), ids[0])
	must(t, err)
	_, err = b.Redrive(t.Context(), deadletter.Request{})
	must(t, err)
	for _, stream := range []string{"S", "D"} {
		found, err := b.server.JS.Stream(t.Context(), stream)
		must(t, err)
		if want := map[string]int{"S": 1}[stream]; found.CachedInfo().State.Consumers != want {
			t.Errorf("stream %s has %d consumers, want %d", stream, found.CachedInfo().State.Consumers, want)
		}
	}
}

func TestStoreIsOpenedOnlyOnDeadLetters(t *testing.T) {
	t.Parallel()
	b := over(t, shape{})
	for name, c := range map[string]struct {
		change func(*nats.Options)
		is     error
		class  receiver.Class
		says   string
	}{
		"no subject":             {func(o *nats.Options) { o.DeadLetterSubject = "" }, receiver.ErrNoDeadLetter, receiver.Other, "CARRIER_DEAD_LETTER_SUBJECT"},
		"a subject of no stream": {func(o *nats.Options) { o.DeadLetterSubject = "none" }, nil, receiver.NotFound, "CARRIER_DEAD_LETTER_SUBJECT"},
		"no consumer":            {func(o *nats.Options) { o.Consumer = "none" }, nil, receiver.NotFound, "CARRIER_NATS_CONSUMER"},
	} {
		o := b.options
		c.change(&o)
		_, err := Open(t.Context(), o)
		if err == nil || c.is != nil && !errors.Is(err, c.is) || receiver.ClassOf(err) != c.class || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIDsGoInTheStreamsOrderEachOnce(t *testing.T) {
	got := inOrder([]string{"D:10:1", "D:9:1", "none", "D:10:1"})
	if !slices.Equal(got, []string{"none", "D:9:1", "D:10:1"}) {
		t.Errorf("%v", got)
	}
}

// permissions are the subjects that two pages say a user publishes to, with the names of a bench.
func permissions(t *testing.T) (subjects []string) {
	t.Helper()
	named := regexp.MustCompile("`(\\$JS\\.[A-Z.>]+)`")
	for _, page := range []string{"operations.md", "dead-letters.md"} {
		text, err := os.ReadFile("../../../docs/" + page)
		must(t, err)
		for _, match := range named.FindAllStringSubmatch(string(text), -1) {
			tokens := strings.Split(match[1], ".")
			for i, token := range tokens[3:] { // behind $JS.API.STREAM and the like
				tokens[i+3] = map[string]string{"STREAM": "S", "CONSUMER": "c", "DEAD": "D"}[token]
				if tokens[i+3] == "" {
					tokens[i+3] = token
				}
			}
			subjects = append(subjects, strings.Join(tokens, "."))
		}
	}
	return subjects
}

func TestPermissionsOfThePagesAreEnough(t *testing.T) {
	t.Parallel()
	for name, direct := range map[string]bool{"read at the leader": false, "read directly": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := benchWith(t, shape{dead: func(c *jetstream.StreamConfig) { c.AllowDirect = direct }}, func(o *natsserver.Options) {
				o.Users = []*natsserver.User{
					{Username: "all", Password: "x"},
					{Username: "few", Password: "x", Permissions: &natsserver.Permissions{
						Publish:   &natsserver.SubjectPermission{Allow: append(permissions(t), "S.>", "D.x")},
						Subscribe: &natsserver.SubjectPermission{Allow: []string{"_INBOX.>"}},
					}},
				}
			})
			ids := b.put(t, "a", "b", "c")
			letters, _, err := b.List(t.Context(), "", 10)
			if err != nil || len(letters) != 3 {
				t.Fatalf("%v, %v", letters, err)
			}
			must(t, b.Drop(t.Context(), ids[1]))
			p, err := b.Redrive(t.Context(), deadletter.Request{})
			if err != nil || p.Moved != 2 || b.Left(t) != 0 {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}
