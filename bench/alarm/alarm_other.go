//go:build !linux

// Package alarm sleeps.
package alarm

import "time"

// An Alarm is Go's own timer where there is no better one.
type Alarm struct{}

// New makes an alarm.
func New() *Alarm { return &Alarm{} }

// Sleep waits for d.
func (*Alarm) Sleep(d time.Duration) { time.Sleep(d) }

// Close does nothing.
func (*Alarm) Close() {}
