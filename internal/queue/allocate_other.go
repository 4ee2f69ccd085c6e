//go:build !linux

package queue

import (
	"errors"
	"os"
)

// allocate is not to be had; a full disk breaks the queue then.
func allocate(*os.File, int64) error { return errors.ErrUnsupported }

func readAhead(*os.File) {}

func volumeSize(string) int64 { return 0 }
