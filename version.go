package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"carrier/internal/tracing"
	"carrier/receiver/builtin"
)

// Set by the linker: -X main.version=1.2.3 -X main.commit=abc.
var version, commit string //nolint:gochecknoglobals // the linker can set nothing else

// A binary is what is known of this program's making.
type binary struct {
	version, commit, goVersion string
	receivers                  []string
	tracing                    bool
}

// build reads what the linker or, failing that, the Go tool has left in the binary.
func build() binary {
	b := binary{version: version, commit: commit, goVersion: runtime.Version(), receivers: builtin.Names(), tracing: tracing.BuiltIn}
	if info, ok := debug.ReadBuildInfo(); ok && b.commit == "" {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.commit = s.Value
			}
		}
	}
	if b.version == "" {
		b.version = "dev"
	}
	if b.commit == "" {
		b.commit = "unknown"
	}
	return b
}

func (b binary) write(w io.Writer) error {
	spans := "not built in (build tag otel)"
	if b.tracing {
		spans = "built in"
	}
	_, err := fmt.Fprintf(w, "carrier %s\ncommit %s\n%s\nreceivers %s\nOpenTelemetry %s\n",
		b.version, b.commit, b.goVersion, strings.Join(b.receivers, " "), spans)
	return err
}
