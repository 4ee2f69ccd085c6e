//go:build unix

package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"carrier/internal/testkit/programtest"
)

const unitFile = "systemd/carrier.service"

// settings are the variables of a file that systemd reads.
func settings(t *testing.T, file string) []string {
	t.Helper()
	return regexp.MustCompile(`(?m)^[A-Z_]+=.*$`).FindAllString(content(t, file), -1)
}

// unitValue is what the unit says for key.
func unitValue(t *testing.T, key string) string {
	t.Helper()
	match := regexp.MustCompile(`(?m)^` + key + `=(.*)$`).FindStringSubmatch(content(t, unitFile))
	if match == nil {
		t.Fatalf("the unit has no %s", key)
	}
	return match[1]
}

// TestUnitIsValidAndHardened asks systemd-analyze, with the built carrier in its place.
func TestUnitIsValidAndHardened(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("NOT TESTED: that systemd takes the unit, because there is no systemd-analyze here")
		return
	}
	file := filepath.Join(t.TempDir(), "carrier.service")
	unit := strings.ReplaceAll(content(t, unitFile), "/usr/local/bin/carrier", built("carrier"))
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{
		{"verify", "--man=no", file},
		{"security", "--no-pager", "--offline=true", "--threshold=15", file}, // in tenths: at most 1.5 of 10
	} {
		out, err := exec.CommandContext(t.Context(), analyze, arguments...).CombinedOutput() //nolint:gosec // our own arguments
		if err != nil || arguments[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v\n%s", arguments[0], err, out)
		}
	}
}

func TestUnitWaitsForTheDrain(t *testing.T) {
	t.Parallel()
	env := strings.Join(settings(t, "systemd/carrier.env"), "\n")
	drain, err := time.ParseDuration(regexp.MustCompile(`CARRIER_DRAIN_TIMEOUT=(\S+)`).FindStringSubmatch(env)[1])
	if err != nil {
		t.Fatal(err)
	}
	stop, err := time.ParseDuration(unitValue(t, "TimeoutStopSec"))
	if err != nil || stop < drain+5*time.Second {
		t.Errorf("systemd kills after %v, and the drain may take %v and 5s (%v)", stop, drain, err)
	}
	if exit := unitValue(t, "RestartPreventExitStatus"); exit != "2" {
		t.Errorf("a faulty configuration exits with 2, and the unit stays down after %s", exit)
	}
}

// TestUnitConfiguresCarrierWithoutAFault: its own variables and those of the file beside it.
func TestUnitConfiguresCarrierWithoutAFault(t *testing.T) {
	t.Parallel()
	var env []string
	for _, match := range regexp.MustCompile(`(?m)^Environment=(CARRIER_\S+)$`).FindAllStringSubmatch(content(t, unitFile), -1) {
		env = append(env, match[1])
	}
	env = append(env, settings(t, "systemd/carrier.env")...)
	p := start(t, append(env, "CARRIER_INGEST_ADDRESS="+programtest.FreeAddress(t)), built("carrier"), "config")
	if code := p.Wait(); code != 0 || strings.Contains(p.out.String(), "unknown variable") {
		t.Errorf("exit code %d\n%s", code, p.out.String())
	}
}
