//go:build !linux

package http1

import "time"

// An alarm is Go's own timer where there is no better one.
type alarm struct{}

func newAlarm() *alarm { return &alarm{} }

func (*alarm) sleep(d time.Duration) { time.Sleep(d) }

func (*alarm) close() {}
