package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// stage returns the instructions that say how a Dockerfile's last image is run and what is
// in it, sorted: those from its last "FROM scratch" on, and of stages that differ in the
// program alone that once.
func stage(dockerfile string) []string {
	last := dockerfile[strings.LastIndex(dockerfile, "\nFROM scratch"):]
	last = strings.ReplaceAll(last, "\\\n", "")
	var lines []string
	for line := range strings.Lines(last) {
		instruction, rest, _ := strings.Cut(strings.Join(strings.Fields(line), " "), " ")
		switch instruction {
		case "WORKDIR", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "ENV", "VOLUME", "CMD":
			lines = append(lines, instruction+" "+rest)
		case "COPY": // where to, and whose; where from differs
			fields := strings.Fields(rest)
			owner := slices.DeleteFunc(fields[:len(fields)-1], func(f string) bool { return !strings.HasPrefix(f, "--chown") })
			lines = append(lines, strings.Join(append([]string{"COPY", fields[len(fields)-1]}, owner...), " "))
		case "LABEL": // what does not depend on the release
			for label := range strings.SplitSeq(rest, `" `) {
				if label = strings.TrimSuffix(label, `"`); !strings.Contains(label, "${") {
					lines = append(lines, "LABEL "+label)
				}
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

func TestImageOfAReleaseIsTheImageOfTheSource(t *testing.T) {
	source, release := stage(text(t, "Dockerfile")), stage(text(t, "Dockerfile.release"))
	if len(source) < 10 || !slices.Equal(source, release) {
		t.Errorf("Dockerfile:\n  %s\nDockerfile.release:\n  %s", strings.Join(source, "\n  "), strings.Join(release, "\n  "))
	}
}

func TestReleaseIsMadeByTheGoReleaserThatChecks(t *testing.T) {
	checks := regexp.MustCompile(`(?m)^GORELEASER_VERSION := (\S+)$`).FindStringSubmatch(text(t, "Makefile"))
	makes := regexp.MustCompile(`(?m)goreleaser-action@.*\n\s+with:\n\s+version: (\S+)$`).FindStringSubmatch(text(t, ".github/workflows/release.yaml"))
	if checks == nil || makes == nil || checks[1] != makes[1] {
		t.Errorf("Makefile %q, workflow %q", checks, makes)
	}
}
