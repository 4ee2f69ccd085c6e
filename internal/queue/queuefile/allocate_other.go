//go:build !linux

package queuefile

import (
	"errors"
	"os"
)

// Allocate is not to be had; a full disk breaks the queue then.
func Allocate(*os.File, int64) error { return errors.ErrUnsupported }

func readAhead(*os.File) {}

func VolumeSize(string) int64 { return 0 }
