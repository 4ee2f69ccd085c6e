package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/observe/audit"
)

func TestDrainThatNoSignalFollowsIsNotAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDrain(audit.NewLogger(new(bytes.Buffer), "info", false), func() {})
		if err := d.live(); err != nil {
			t.Errorf("before: %v", err)
		}
		go func() { _ = d.request(t.Context(), "10.0.0.1:1234") }()
		time.Sleep(time.Hour) // a drain may take long
		if err := d.live(); err != nil {
			t.Errorf("while draining: %v", err)
		}
		d.finish()
		time.Sleep(signalTimeout - time.Second)
		if err := d.live(); err != nil {
			t.Errorf("a second too early: %v", err)
		}
		time.Sleep(time.Second)
		if err := d.live(); err == nil {
			t.Errorf("alive %v after the drain", signalTimeout)
		}
	})
}

func TestDrainBeginsOnceAndNamesWhoBeganIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		begun := 0
		d := newDrain(audit.NewLogger(&out, "info", false), func() { begun++ })
		impatient, cancel := context.WithCancel(t.Context())
		answered := make(chan error, 2)
		go func() { answered <- d.request(impatient, "10.0.0.1:1234") }()
		synctest.Wait()
		cancel()
		if err := <-answered; !errors.Is(err, context.Canceled) {
			t.Errorf("a client that left got %v", err)
		}
		go func() { answered <- d.request(t.Context(), "10.0.0.2:1234") }()
		d.start("SIGTERM")
		d.finish()
		if err := <-answered; err != nil || begun != 1 {
			t.Errorf("error %v, begun %d times", err, begun)
		}
		if text := out.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, `"cause":"/drain from 10.0.0.1:1234"`) {
			t.Errorf("logged %s", text)
		}
	})
}

func TestSignalsHaveTheirNames(t *testing.T) {
	for s, want := range map[os.Signal]string{syscall.SIGTERM: "SIGTERM", os.Interrupt: "SIGINT"} {
		if got := signalName(s); got != want {
			t.Errorf("%v is named %q, want %q", s, got, want)
		}
	}
}
