package builtin_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A build is one set of build tags, and what a program built with it holds.
type build struct {
	tags                  string
	sdk, grpc, nats, bolt bool
	otel                  bool
	receivers             string
}

func builds() map[string]build {
	return map[string]build{
		"no tags":                        {tags: "", sdk: true, grpc: true, nats: true, bolt: true, receivers: "sqs pubsub nats ingest"},
		"nosqs":                          {tags: "nosqs", grpc: true, nats: true, bolt: true, receivers: "pubsub nats ingest"},
		"nopubsub":                       {tags: "nopubsub", sdk: true, nats: true, bolt: true, receivers: "sqs nats ingest"},
		"nonats":                         {tags: "nonats", sdk: true, grpc: true, bolt: true, receivers: "sqs pubsub ingest"},
		"noingest":                       {tags: "noingest", sdk: true, grpc: true, nats: true, receivers: "sqs pubsub nats"},
		"otel":                           {tags: "otel", sdk: true, grpc: true, nats: true, bolt: true, otel: true, receivers: "sqs pubsub nats ingest"},
		"nosqs,nopubsub,nonats,noingest": {tags: "nosqs,nopubsub,nonats,noingest", receivers: ""},
	}
}

func TestBuildTagsSayWhatTheProgramImports(t *testing.T) {
	t.Parallel()
	for name, b := range builds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deps := strings.Fields(output(t, "go", "list", "-deps", "-tags", b.tags, "carrier"))
			for prefix, want := range map[string]bool{
				"github.com/aws/": b.sdk, "carrier/receiver/sqs": b.sdk, "carrier/publisher/sqs": b.sdk,
				"google.golang.org/grpc": b.grpc, "cloud.google.com/": b.grpc, "google.golang.org/genproto": b.grpc, "google.golang.org/protobuf": b.grpc, "carrier/receiver/pubsub": b.grpc,
				"github.com/nats-io/": b.nats, "carrier/receiver/nats": b.nats, "carrier/publisher/nats": b.nats,
				"go.opentelemetry.io/otel/exporters": b.otel,
				"go.etcd.io/bbolt":                   b.bolt, "carrier/receiver/ingest": b.bolt, "carrier/internal/queue": b.bolt,
			} {
				at := slices.IndexFunc(deps, func(dep string) bool { return strings.HasPrefix(dep, prefix) })
				if at < 0 == want {
					t.Errorf("%s is among the dependencies: %v, want %v", prefix, at >= 0, want)
				}
			}
		})
	}
}

// lean are the build tags of every release.
const lean = "grpcnotrace,nethttpomithttp2"

// TestReleaseLeavesOutWhatIsNotUsed looks for gRPC's trace pages: the templates they call keep
// the linker from dropping the exported methods of every type.
func TestReleaseLeavesOutWhatIsNotUsed(t *testing.T) {
	t.Parallel()
	deps := strings.Fields(output(t, "go", "list", "-deps", "-tags", lean, "carrier"))
	if slices.Contains(deps, "golang.org/x/net/trace") {
		t.Error("gRPC's trace pages are among the dependencies")
	}
	files := strings.Fields(output(t, "go", "list", "-tags", lean, "-f", "{{join .GoFiles \" \"}}", "net/http"))
	if slices.Contains(files, "h2_bundle.go") || !slices.Contains(files, "omithttp2.go") {
		t.Errorf("net/http brings its own HTTP/2: %v", files)
	}
}

func TestReleaseIsBuiltTheSameEverywhere(t *testing.T) {
	t.Parallel()
	listed := "tags: [" + strings.ReplaceAll(lean, ",", ", ")
	for path, wanted := range map[string][]string{
		"Makefile": {"LEAN  := " + lean}, "Dockerfile": {"LEAN=" + lean}, "bench/harness/harness.go": {`"` + lean + `"`},
		".goreleaser.yaml": {listed + "]", listed + ", nopubsub]"},
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", path))
		for _, want := range wanted {
			if err != nil || !strings.Contains(string(text), want) {
				t.Errorf("%s has no %q: %v", path, want, err)
			}
		}
	}
}

func TestVersionNamesWhatIsBuiltIn(t *testing.T) {
	t.Parallel()
	for name, b := range builds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := filepath.Join(t.TempDir(), "carrier")
			output(t, "go", "build", "-tags", b.tags, "-o", program, "carrier")
			lines := strings.Split(output(t, program, "version"), "\n")
			if want := strings.TrimRight("receivers "+b.receivers, " "); !slices.ContainsFunc(lines, func(line string) bool {
				return strings.TrimRight(line, " ") == want
			}) {
				t.Errorf("version says %q, want a line %q", lines, want)
			}
			if slices.Contains(lines, "OpenTelemetry built in") != b.otel {
				t.Errorf("version says %q", lines)
			}
		})
	}
}

// output runs a command and returns what it prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return string(out)
}
