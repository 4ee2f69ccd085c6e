//go:build !noingest

package builtin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/internal/deadletter"
	"carrier/internal/queue/filecheck"
	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
	"carrier/publisher"
	"carrier/receiver"
	"carrier/receiver/ingest"
	"carrier/receiver/ingest/deadletters"
	"carrier/receiver/preflight"
)

// ingestBatch is the most messages taken from the embedded queue at once: it
// costs no call, only memory.
const ingestBatch = 100

// Kept lists the words of Options.Kept: the places of messages, and the causes why one is in none.
func Kept() (places, causes []string) {
	return []string{ingest.InQueue, ingest.InFile}, []string{ingest.NotStored, ingest.Unknown, ingest.Refused, ingest.FileFailed}
}

func ingestKind() *kind {
	return &kind{operations: countedOperations(), duplicates: ingest.Duplicates(), build: buildIngest}
}

// buildIngest makes one server, and a receiver of it for each route, which is a subscription. Where
// CARRIER_ROUTES is not set the one route gets all paths.
func buildIngest(c config.Config, routes []Route, o Options) ([]Assembled, error) {
	subscriptions := make([]ingest.Subscription, len(routes))
	for i, r := range routes {
		subscriptions[i] = subscription(r)
	}
	var target *publisher.Target
	if c.Ingest.Store != config.StoreFile {
		target = routes[0].Queue // there is one such route
	}
	server := ingest.New(ingest.Options{
		Target:         target,
		StoreTimeout:   c.Ingest.StoreTimeout,
		KeepFile:       c.Ingest.Store == config.StoreQueueAndFile,
		Address:        c.Ingest.Address,
		DataDir:        c.Ingest.DataDir,
		MaxBody:        int64(c.Ingest.MaxBody),
		MaxMessages:    c.Ingest.MaxMessages,
		MaxBytes:       int64(c.Ingest.MaxBytes),
		Token:          c.Ingest.Token.Reveal(),
		SigningKeys:    c.Ingest.SigningSecrets.Reveal(),
		SigningFile:    c.Ingest.SigningSecrets.File(),
		AllowAnonymous: c.Ingest.AllowAnonymous,
		MaxDeadLetters: c.Ingest.MaxDeadLetters,
		MaxDeadBytes:   int64(c.Ingest.MaxDeadBytes),
		DropOldest:     c.Ingest.DeadLetterFull == config.DropOldest,
		MaxConnections: c.Ingest.MaxConnections,
		TLSCertFile:    c.Ingest.TLSCertFile,
		TLSKeyFile:     c.Ingest.TLSKeyFile,
		Subscriptions:  subscriptions,
		RemovedKeep:    c.Ingest.RemovedKeep,
		TryFile:        o.TryQueueFile,
		OnBroken:       o.OnBroken,
		OnAnswer:       o.Answered,
		OnKept:         o.Kept,
		Warn:           warnTo(o.Log),
		Report:         func(event string, err error) { o.Log.Error("ingest: "+event, zap.Error(err)) },
	})
	all := make([]Assembled, len(routes))
	for i, r := range routes {
		all[i] = assembleIngest(c.Ingest, r, server, i)
	}
	return all, nil
}

func subscription(r Route) ingest.Subscription {
	s := ingest.Subscription{
		Name: r.Name, Topics: r.Ingest.Topics, Lease: r.Ingest.Lease, MessageTimeout: r.MessageTimeout,
		LongestBackoff: r.Retry.MaxInterval, Replay: r.Ingest.Replay,
		MaxMessages: r.Subscription.MaxMessages, MaxBytes: int64(r.Subscription.MaxBytes),
		Full:         eviction(r.Subscription.Full),
		OfflineLimit: r.Subscription.OfflineLimit, OfflineAction: eviction(r.Subscription.OfflineAction),
		Observer: r.Observer, Warn: warnTo(r.Log),
	}
	if r.Name == "" {
		s.Topics = nil
	}
	return s
}

func eviction(word string) ingest.Eviction {
	switch word {
	case config.DropOldest, config.Drop:
		return ingest.DropThem
	case config.DeadLetterOldest, config.DeadLetter:
		return ingest.DeadLetterThem
	default:
		return ingest.Refuse
	}
}

func warnTo(log *zap.Logger) func(messageID, text string, err error) {
	return func(messageID, text string, err error) { log.Warn(text, aboutMessage(messageID), zap.Error(err)) }
}

// assembleIngest is the receiver of the server's i-th subscription.
func assembleIngest(c config.IngestOptions, route Route, server *ingest.Server, i int) Assembled {
	r := server.Receiver(i)
	return Assembled{
		Receiver:      counted{r, route.Observer},
		Batch:         ingestBatch,
		Receives:      1,
		StopAccepting: server.StopAccepting,
		Online:        r.Online,
		API:           server.API(),
		DeadLetters: func(context.Context) (deadletter.Store, error) {
			letters, ok := server.DeadLetters()
			if !ok {
				return nil, errors.New("the queue is not open yet")
			}
			return deadletters.Store{Letters: letters, Route: route.PublicName()}, nil
		},
		Ingest: func() receiver.EmbeddedQueue { return embeddedQueue(server, r, route.Subscription) },
		Facts:  func() []receiver.Fact { return ingestFacts(r, c) },
		Check: func(ctx context.Context, carrierRuns bool) []preflight.Finding {
			if i > 0 {
				return nil // the first one tells of the server and the file that all have
			}
			return checkIngest(ctx, c, carrierRuns)
		},
	}
}

func aboutMessage(id string) zap.Field {
	if id == "" {
		return zap.Skip()
	}
	return zap.String("message_id", id)
}

func embeddedQueue(s *ingest.Server, r *ingest.Receiver, limits config.SubscriptionOptions) receiver.EmbeddedQueue {
	c := r.Counts()
	return receiver.EmbeddedQueue{
		Messages: c.Messages, MaxMessages: limits.MaxMessages, Bytes: c.Bytes, MaxBytes: int64(limits.MaxBytes),
		Ready: c.Ready, Delayed: c.Delayed, BackingOff: c.BackingOff, InFlight: c.InFlight, Oldest: c.Oldest,
		DeadLetters: c.DeadMessages, DeadLettersDropped: c.DeadDropped, FilesSetAside: c.SetAside,
		Connections: s.Connections(), Offline: c.Offline,
		EvictedDropped: c.Evicted - c.EvictedDead, EvictedDead: c.EvictedDead, RemovedDropped: s.RemovedDropped(),
	}
}

func ingestFacts(r *ingest.Receiver, c config.IngestOptions) []receiver.Fact {
	found := r.Counts()
	return []receiver.Fact{
		{Name: "address", Value: c.Address}, {Name: "data_dir", Value: c.DataDir},
		{Name: "messages", Value: found.Messages}, {Name: "dead_letters", Value: found.DeadMessages},
	}
}

func checkIngest(ctx context.Context, c config.IngestOptions, carrierRuns bool) []preflight.Finding {
	door := preflight.Listen(ctx, "ingest address", c.Address, carrierRuns)
	if c.Store == config.StoreQueue {
		return []preflight.Finding{door}
	}
	findings := []preflight.Finding{checkDirectory(c.DataDir), door}
	if err := queuefile.CheckModes(c.DataDir); err != nil {
		findings = append(findings, preflight.Warn.Finding(fmt.Sprintf("data directory: %v", err)))
	}
	return append(findings, checkQueueFile(filepath.Join(c.DataDir, queuefile.Name)))
}

// checkQueueFile reads the whole queue file, unless a carrier runs on it, and says what it holds.
// Damage is a warning: carrier begins all the same, with a new file where it has to.
func checkQueueFile(path string) preflight.Finding {
	f, size, err := queuefile.OpenToRead(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return preflight.OK.Finding("queue file: none yet")
	case errors.Is(err, queuefile.ErrInUse):
		return preflight.OK.Finding("queue file: in use by the carrier that runs; its metrics say what it holds")
	case err != nil:
		return preflight.Fail.Finding(fmt.Sprintf("queue file: %v", err))
	}
	defer func() { _ = f.Close() }()
	r, err := filecheck.Check(f, size)
	switch {
	case err != nil:
		return preflight.Fail.Finding(fmt.Sprintf("queue file %s: %v", path, err))
	case !r.Sound():
		return preflight.Warn.Finding(fmt.Sprintf("queue file %s is damaged (%s); look with: carrier queue check %s", path, r.Problems[0], path))
	}
	return preflight.OK.Finding(fmt.Sprintf("queue file: %d messages, %d dead letters",
		r.Vouched[record.Plain]+r.Vouched[record.Indexed], r.Vouched[record.Dead]))
}

// checkDirectory looks whether the queue's file could be written.
func checkDirectory(dir string) preflight.Finding {
	at := dir
	_, err := os.Stat(at)
	for errors.Is(err, os.ErrNotExist) && filepath.Dir(at) != at {
		at = filepath.Dir(at)
		_, err = os.Stat(at)
	}
	if err != nil {
		return preflight.Fail.Finding(fmt.Sprintf("data directory %s: %v", dir, err))
	}
	probe, err := os.CreateTemp(at, ".carrier-check-*")
	if err != nil {
		return preflight.Fail.Finding(fmt.Sprintf("data directory %s cannot be written: %v", dir, err))
	}
	_ = probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return preflight.Warn.Finding(fmt.Sprintf("data directory %s: %v", dir, err))
	}
	return preflight.OK.Finding(fmt.Sprintf("data directory %s can be written", dir))
}
