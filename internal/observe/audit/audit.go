package audit

import (
	"errors"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"carrier/dispatch"
	"carrier/message"
	"carrier/receiver"
)

// An Audit turns events into log lines. A line about a message carries its message_id;
// none holds anything of a body, a header's value, or a secret. Its methods may be
// called at once.
type Audit struct {
	log    *zap.Logger
	counts counts

	mu       sync.Mutex
	troubles map[trouble]struct{}
}

// A trouble is something that goes on failing for one message in hand. It is warned
// about when it begins.
type trouble struct {
	m    *message.Message
	kind dispatch.Kind
}

// New returns an Audit that writes to log.
func New(log *zap.Logger) *Audit {
	return &Audit{log: log, troubles: map[trouble]struct{}{}}
}

// Observe logs one event.
func (a *Audit) Observe(e dispatch.Event) {
	a.counts.observe(e)
	switch e.Kind {
	case dispatch.SourceUp:
		a.log.Info("source reached")
	case dispatch.SourceDown:
		a.sourceDown(e)
	case dispatch.Attempted:
		a.attempted(e)
	case dispatch.Settled:
		a.settled(e)
	case dispatch.SettleFailed:
		a.failing(e, "settling failed, trying again")
	case dispatch.Extended:
		a.extended(e)
	case dispatch.Redelivered:
		a.line(zapcore.InfoLevel, "handed out again while in hand", e)
	case dispatch.Abandoned:
		a.log.Warn("drain time over, messages are left to their leases", zap.Strings("message_ids", e.IDs))
	case dispatch.Panicked:
		a.line(zapcore.ErrorLevel, "panic contained", e)
	}
}

// Worker logs that the worker was lost or found again. It is to be called on changes
// alone; err, why it was lost, may be nil.
func (a *Audit) Worker(up bool, err error) {
	if up {
		a.log.Info("worker takes messages")
		return
	}
	a.log.Warn("worker does not take messages, none is received until it does", zap.Error(err))
}

// sourceDown tells trouble that passes by itself from trouble that needs somebody.
func (a *Audit) sourceDown(e dispatch.Event) {
	class := receiver.ClassOf(e.Err)
	level := zapcore.ErrorLevel
	if class == receiver.Throttled || class == receiver.Network {
		level = zapcore.WarnLevel
	}
	a.log.Log(level, "source in trouble, trying again", zap.String("class", string(class)), zap.Error(e.Err))
}

// attempted leaves out what was no attempt: a worker that cannot be reached is told of
// by Worker, once.
func (a *Audit) attempted(e dispatch.Event) {
	if e.Outcome.Code == "" || e.Outcome.Cause == message.Unreached {
		return
	}
	a.line(zapcore.DebugLevel, "attempt over", e)
}

// settled is the one line that says what became of a message. The successes are for
// debugging; what an operator may have to act on is a warning.
func (a *Audit) settled(e dispatch.Event) {
	a.forget(e.Message)
	if e.Lost() {
		a.line(zapcore.WarnLevel, "message lost sight of, it comes back unless it was removed", e)
		return
	}
	label := e.Outcome.Label()
	level := zapcore.DebugLevel
	switch label {
	case "failed", "rejected":
		level = zapcore.WarnLevel
	case "deferred":
		level = zapcore.InfoLevel
	}
	a.line(level, "message "+label, e)
}

func (a *Audit) extended(e dispatch.Event) {
	switch {
	case e.Err == nil:
	case errors.Is(e.Err, receiver.ErrLeaseLost):
		a.failing(e, "lease lost, the message may be delivered twice")
	default:
		a.failing(e, "lease not renewed, trying again")
	}
}

// failing warns of e's trouble the first time, and mentions it after that.
func (a *Audit) failing(e dispatch.Event, text string) {
	level := zapcore.DebugLevel
	if a.remember(trouble{e.Message, e.Kind}) {
		level = zapcore.WarnLevel
	}
	a.line(level, text, e)
}

// remember reports whether t is new. What is remembered is forgotten when its message
// is no longer in hand.
func (a *Audit) remember(t trouble) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.troubles[t]
	a.troubles[t] = struct{}{}
	return !known
}

func (a *Audit) forget(m *message.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, kind := range []dispatch.Kind{dispatch.SettleFailed, dispatch.Extended} {
		delete(a.troubles, trouble{m, kind})
	}
}
