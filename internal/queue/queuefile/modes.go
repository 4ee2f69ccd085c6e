package queuefile

import (
	"fmt"
	"os"
	"path/filepath"
)

// othersWrite is the permission of everybody on the host. The group's is not looked at: Kubernetes
// gives it to a pod's volumes.
const othersWrite = 0o002

// CheckModes reports the data directory, or the first file in it, that every user of this host may
// write. It returns nil where there is none, or where it cannot be looked at.
func CheckModes(dir string) error {
	names := []string{dir}
	entries, _ := os.ReadDir(dir) // what cannot be read fails to open, and says so
	for _, e := range entries {
		names = append(names, filepath.Join(dir, e.Name()))
	}
	for _, name := range names {
		info, err := os.Lstat(name)
		if err == nil && info.Mode()&os.ModeSymlink == 0 && info.Mode().Perm()&othersWrite != 0 {
			return fmt.Errorf("every user of this host may write %s (mode %#o)", name, info.Mode().Perm())
		}
	}
	return nil
}
