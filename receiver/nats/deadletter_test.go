package nats

import (
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"carrier/message"
	"carrier/receiver"
)

// letters returns the headers of the dead letters.
func (b bench) letters(t *testing.T) []*jetstream.RawStreamMsg {
	t.Helper()
	stream, err := b.server.JS.Stream(t.Context(), "D")
	must(t, err)
	var all []*jetstream.RawStreamMsg
	for n := range b.server.Left(t, "D") {
		m, err := stream.GetMsg(t.Context(), uint64(n+1))
		must(t, err)
		all = append(all, m)
	}
	return all
}

func TestDeadLetterCarriesWhatTheMessageWasAndWhy(t *testing.T) {
	t.Parallel()
	b := benchOn(t, Options{DeadLetterSubject: "D.x"})
	b.server.Publish(t, "S.x", "b\x00dy", nats.Header{"Content-Type": {"text/plain"}, "Carrier-Group-Id": {"g"}, "Nats-Msg-Id": {"k"}, "Kind": {"ü"}, "Carrier.Reason": {"old"}})
	m := b.take(t, 1)[0]
	must(t, b.Settle(t.Context(), m, rejected()))
	if left := b.server.Left(t, "S"); left != 0 {
		t.Errorf("%d originals are left", left)
	}
	letter := b.letters(t)[0]
	for name, want := range map[string]string{
		"Content-Type": "text/plain", "Carrier-Group-Id": "g", "Kind": "ü", "Nats-Msg-Id": "dead-letter:" + m.ID,
		"Carrier.MessageId": m.ID, "Carrier.Reason": "the worker said 422", "Carrier.Status": "422", "Carrier.Attempts": "1",
	} {
		if got := letter.Header[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if string(letter.Data) != "b\x00dy" {
		t.Errorf("body %q", letter.Data)
	}
}

func TestOriginalStaysUntilItsCopyIsThere(t *testing.T) {
	t.Parallel()
	b := benchOn(t, Options{DeadLetterSubject: "D.x"})
	b.send(t, "", "a")
	m := b.take(t, 1)[0]
	must(t, b.server.JS.DeleteStream(t.Context(), "D"))
	if err := b.Settle(t.Context(), m, rejected()); receiver.ClassOf(err) != receiver.Network || b.server.Left(t, "S") != 1 {
		t.Errorf("without a copy: %v, %d left", err, b.server.Left(t, "S"))
	}
	b.server.Stream(t, "D")
	must(t, b.Settle(t.Context(), m, rejected()))
	if n, left := b.server.Left(t, "D"), b.server.Left(t, "S"); n != 1 || left != 0 {
		t.Errorf("%d copies and %d originals", n, left)
	}
}

func TestWithoutASubjectThereIsNoPlaceForDeadLetters(t *testing.T) {
	t.Parallel()
	b := benchOn(t, Options{})
	b.send(t, "", "a")
	if err := b.Settle(t.Context(), b.take(t, 1)[0], rejected()); !errors.Is(err, receiver.ErrNoDeadLetter) || b.server.Left(t, "S") != 1 {
		t.Errorf("Settle = %v, %d left", err, b.server.Left(t, "S"))
	}
}

// JetStream would keep it in the stream and hand it out to nobody.
func TestWhatFailsAtItsLastDeliveryIsADeadLetter(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]message.Outcome{
		"failed":          {Cause: message.Failed, Status: 500, Reason: "the worker said 500"},
		"left to redrive": {Verdict: message.Rejected},
		"given back":      {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := benchOn(t, Options{DeadLetterSubject: "D.x"}, func(c *jetstream.ConsumerConfig) { c.MaxDeliver = 2 })
			b.send(t, "", "a")
			for n := 1; n <= 2; n++ {
				m := b.take(t, 1)[0]
				if last := m.RedriveTo == "D.x"; last != (n == 2) {
					t.Errorf("delivery %d: redriven to %q", n, m.RedriveTo)
				}
				must(t, b.Settle(t.Context(), m, o))
			}
			if n, left := b.server.Left(t, "D"), b.server.Left(t, "S"); n != 1 || left != 0 {
				t.Errorf("%d dead letters and %d originals", n, left)
			}
		})
	}
}

func TestCheckSaysWhatIsThereAndWhatWouldMakeTheRest(t *testing.T) {
	t.Parallel()
	good := func(c *jetstream.ConsumerConfig) { c.MaxWaiting, c.MaxAckPending = 1024, 1000 }
	for name, c := range map[string]struct {
		o      Options
		change func(*jetstream.ConsumerConfig)
		want   []string
	}{
		"all is well": {Options{DeadLetterSubject: "D.x"}, good, []string{
			"ok NATS server nats://127.0.0.1:", "ok consumer c of stream S: 1 messages waiting, 0 in flight", "ok ack_wait 30s", "ok max_ack_pending 1000", "ok max_waiting 1024",
			"ok max_deliver: no limit", "ok messages are handled in any order", "ok duplicate window of the stream 1m0s", "ok what carrier rejects goes to D.x",
		}},
		"a consumer of little": {Options{Ordered: true}, func(c *jetstream.ConsumerConfig) {
			c.AckWait, c.MaxAckPending, c.MaxDeliver = 5e9, 999, 3
		}, []string{
			"warn ack_wait 5s is under 10s", "warn max_ack_pending 999 is below ten times the concurrency of 100", "warn max_waiting is 512, the default",
			"warn max_deliver 3 without CARRIER_DEAD_LETTER_SUBJECT", "warn groups are handled in order within this replica alone",
		}},
		"max_deliver with a subject": {Options{DeadLetterSubject: "D.x"}, func(c *jetstream.ConsumerConfig) { c.MaxDeliver = 3 }, []string{"ok dead letters after 3 deliveries: D.x"}},
		"no consumer": {Options{Consumer: "new"}, good, []string{
			"fail the consumer: consumer new of stream S: info: ", "warn this would make the consumer: nats consumer add S new --pull --ack explicit", "--max-pending 1000",
		}},
		"no stream": {Options{Stream: "NEW"}, good, []string{
			"fail the consumer", "warn this would make the stream: nats stream add NEW --subjects 'NEW.>'", "warn this would make the consumer: nats consumer add NEW c",
		}},
		"no stream for dead letters": {Options{DeadLetterSubject: "other"}, good, []string{"fail dead letters", "warn this would make their stream: nats stream add S-dead --subjects 'other'"}},
		"nobody listens":             {Options{URL: "nats://127.0.0.1:1"}, good, []string{"fail the NATS server"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := unopened(t, c.o, c.change)
			b.send(t, "", "a")
			var report strings.Builder
			report.WriteString("\n")
			for _, f := range b.Check(t.Context(), 0, 100) {
				report.WriteString(string(f.Level) + " " + f.Text + "\n")
			}
			for _, want := range c.want {
				if !strings.Contains(report.String(), want) {
					t.Errorf("no %q in%s", want, report.String())
				}
			}
			if info, err := b.consumer.Info(t.Context()); err != nil || info.Delivered.Consumer != 0 {
				t.Errorf("a message was taken: %v", err)
			}
		})
	}
}
