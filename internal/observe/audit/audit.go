package audit

import (
	"errors"
	"slices"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"carrier/dispatch"
	"carrier/message"
	"carrier/receiver"
)

// maxIDs is how many message ids a line holds.
const maxIDs = 20

// An Audit turns events into log lines. A line about a message carries its message_id; none holds
// anything of a body, a header's value, or a secret. It is safe for concurrent use.
type Audit struct {
	log    *zap.Logger
	facts  func() []receiver.Fact
	counts counts

	mu       sync.Mutex
	reached  bool // the source was
	workerUp bool // the worker was, at some time
	failing  map[failure]struct{}
}

// A failure is something that goes on failing for one message in flight. It is warned about when
// it begins.
type failure struct {
	m    *message.Message
	kind dispatch.Kind
}

// New returns an Audit that writes to log. facts returns what the receiver learned of its source;
// it is called when the source was first reached.
func New(log *zap.Logger, facts func() []receiver.Fact) *Audit {
	return &Audit{log: log, facts: facts, failing: map[failure]struct{}{}}
}

// Observe logs one event. The end of the receiving is not: whoever asked for it is named then.
func (a *Audit) Observe(e dispatch.Event) {
	a.counts.observe(e)
	switch e.Kind {
	case dispatch.SourceUp:
		a.sourceUp()
	case dispatch.SourceDown:
		a.sourceDown(e)
	case dispatch.Attempted:
		a.attempted(e)
	case dispatch.Settled:
		a.settled(e)
	case dispatch.SettleFailed:
		a.logOnce(e, "settling failed, trying again")
	case dispatch.Extended:
		a.extended(e)
	case dispatch.Redelivered:
		a.redelivered(e)
	case dispatch.Abandoned:
		for ids := range slices.Chunk(e.IDs, maxIDs) {
			a.log.Warn("the drain time is over; messages that the worker has not answered are left to their leases", zap.Strings("message_ids", ids))
		}
	case dispatch.Panicked:
		a.line(zapcore.ErrorLevel, "a panic was caught; carrier goes on", e)
	}
}

// Worker logs that the worker at endpoint takes messages, or does not and why; cause may be nil.
// meanwhile says what becomes of its messages while it does not. It is to be called on changes alone. A worker that has not been up yet may still be starting:
// that is no warning.
func (a *Audit) Worker(endpoint string, up bool, cause error, meanwhile string) {
	a.mu.Lock()
	wasUp := a.workerUp
	a.workerUp = wasUp || up
	a.mu.Unlock()
	switch at := zap.String("endpoint", endpoint); {
	case up:
		a.log.Info("worker takes messages", at)
	case wasUp:
		a.log.Warn("worker does not take messages, "+meanwhile, at, zap.Error(cause))
	default:
		a.log.Info("worker does not take messages yet, "+meanwhile, at, zap.Error(cause))
	}
}

// sourceUp says what was learned of the source when it is reached for the first time.
func (a *Audit) sourceUp() {
	a.mu.Lock()
	first := !a.reached
	a.reached = true
	a.mu.Unlock()
	if !first {
		a.log.Info("source reached again")
		return
	}
	var fields []zap.Field
	for _, f := range a.facts() {
		fields = append(fields, zap.Any(f.Name, f.Value))
	}
	a.log.Info("source reached", fields...)
}

// sourceDown tells errors that pass by themselves from errors that need somebody.
func (a *Audit) sourceDown(e dispatch.Event) {
	class := receiver.ClassOf(e.Err)
	level := zapcore.ErrorLevel
	if class == receiver.Throttled || class == receiver.Network {
		level = zapcore.WarnLevel
	}
	a.log.Log(level, "the source cannot be opened or received from, trying again", zap.String("class", string(class)), zap.Error(e.Err))
}

// attempted leaves out what was no attempt: Worker logs once that the worker cannot be reached.
func (a *Audit) attempted(e dispatch.Event) {
	if e.Outcome.Code == "" || e.Outcome.Cause == message.Unreached {
		return
	}
	a.line(zapcore.DebugLevel, "attempt made", e)
}

// settled is the one line that says what became of a message. A success is for debugging, unless it
// ends a row of failures, before this one or before a redrive; what an operator may have to act on
// is a warning.
func (a *Audit) settled(e dispatch.Event) {
	a.forget(e.Message)
	label := e.Outcome.Label()
	switch {
	case e.Lost():
		a.line(zapcore.WarnLevel, lossOf(e.Err), e, zap.String("outcome", label))
	case e.LeftToRedrive():
		e.Outcome.Delay = 0 // it does not come back here
		a.line(zapcore.WarnLevel, "message "+label+", last receive: the queue moves it to "+e.Message.RedriveTo, e)
	default:
		a.line(levelOf(label, e.Message), "message "+label, e)
	}
}

// lossOf says what is known of a message whose lease ended because of err.
func lossOf(err error) string {
	if errors.Is(err, receiver.ErrLeaseLost) {
		return "lease lost; the queue may hand the message out again"
	}
	return "settlement not confirmed; the queue hands the message out again unless it was removed"
}

func levelOf(label string, m *message.Message) zapcore.Level {
	switch label {
	case "failed", "rejected":
		return zapcore.WarnLevel
	case "deferred":
		return zapcore.InfoLevel
	case "delivered":
		if m != nil && (m.FailedAttempts() > 0 || m.OriginalID != "") {
			return zapcore.InfoLevel
		}
	}
	return zapcore.DebugLevel
}

func (a *Audit) redelivered(e dispatch.Event) {
	if e.Outcome.Ends() {
		a.line(zapcore.InfoLevel, "received again after it had been settled for good; removed without a second POST", e)
		return
	}
	a.line(zapcore.InfoLevel, "received again while the earlier receive is not settled; not posted a second time", e)
}

func (a *Audit) extended(e dispatch.Event) {
	switch {
	case e.Err == nil:
	case errors.Is(e.Err, receiver.ErrLeaseLost):
		a.logOnce(e, "lease lost, the message may be delivered twice")
	default:
		a.logOnce(e, "lease not renewed, trying again")
	}
}

// logOnce warns of e's failure the first time, and mentions it at debug after that.
func (a *Audit) logOnce(e dispatch.Event, text string) {
	level := zapcore.DebugLevel
	if a.remember(failure{e.Message, e.Kind}) {
		level = zapcore.WarnLevel
	}
	a.line(level, text, e)
}

// remember reports whether f is new. It is forgotten when its message is settled.
func (a *Audit) remember(f failure) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.failing[f]
	a.failing[f] = struct{}{}
	return !known
}

func (a *Audit) forget(m *message.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, kind := range []dispatch.Kind{dispatch.SettleFailed, dispatch.Extended} {
		delete(a.failing, failure{m, kind})
	}
}
