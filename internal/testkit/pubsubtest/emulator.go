package pubsubtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// jarVariable may name the emulator's jar where it is not in one of the usual places.
const jarVariable = "PUBSUB_EMULATOR_JAR"

// NewEmulator starts the official emulator and prints that it did; where there is no Java
// runtime or no emulator it prints that, and skips the test. It ends with the test.
func NewEmulator(t *testing.T) *Server {
	t.Helper()
	jar := findJar()
	java, err := exec.LookPath("java")
	if err != nil || jar == "" {
		say("pubsub: %s ran over the fake only: no Java runtime, or no emulator (the gcloud SDK's pubsub-emulator, or its jar in %s)", t.Name(), jarVariable)
		t.Skip("the official Pub/Sub emulator is not here")
	}
	address := freeAddress(t)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(java, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-jar", jar, "--host="+host, "--port="+port) //nolint:noctx // it is ended by the cleanup
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	awaitPort(t, address)
	say("pubsub: %s runs over the official emulator, %s", t.Name(), filepath.Base(jar))
	return Dial(t, address)
}

// say prints a line that is there with passing tests too.
func say(format string, a ...any) { _, _ = fmt.Fprintf(os.Stderr, format+"\n", a...) }

// findJar returns the path of the emulator's jar; empty where there is none.
func findJar() string {
	if jar := os.Getenv(jarVariable); jar != "" {
		return jar
	}
	roots := []string{os.Getenv("CLOUDSDK_ROOT_DIR"), "/usr/lib/google-cloud-sdk", "/usr/share/google-cloud-sdk", "/opt/google-cloud-sdk"}
	if home, err := os.UserHomeDir(); err == nil {
		roots = append(roots, filepath.Join(home, "google-cloud-sdk"))
	}
	for _, root := range roots {
		found, _ := filepath.Glob(filepath.Join(root, "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*.jar"))
		if root != "" && len(found) > 0 {
			return found[len(found)-1]
		}
	}
	return ""
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// awaitPort waits until somebody listens.
func awaitPort(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the emulator does not listen on %s", address)
}
