package main

import (
	"os"
	"os/exec"
	"path/filepath"
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

// TestTheBuilderGetsEveryFileThatItCompiles reads .dockerignore as Docker does, and asks go which files
// are compiled or embedded.
func TestTheBuilderGetsEveryFileThatItCompiles(t *testing.T) {
	const each = `{{$dir := .Dir}}{{with .Module}}{{if .Main}}{{range $.GoFiles}}{{$dir}}/{{.}}
{{end}}{{range $.EmbedFiles}}{{$dir}}/{{.}}
{{end}}{{end}}{{end}}`
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "otel", "-f", each, //nolint:gosec // our own arguments
		".", "./internal/testkit/sqstest/devsqs", "./examples/worker-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Fields(string(out))
	for _, file := range files {
		if file, err = filepath.Rel(root, file); err != nil || isIgnored(text(t, ".dockerignore"), file) {
			t.Errorf(".dockerignore leaves out %s, %v", file, err)
		}
	}
	if len(files) < 100 || !isIgnored(text(t, ".dockerignore"), "dispatch/order_test.go") {
		t.Errorf("%d files are compiled, or a test is among them", len(files))
	}
}

// isIgnored reports whether a file is left out by the last line of a .dockerignore that is about it, or
// about a folder that it is in.
func isIgnored(lines, file string) (ignored bool) {
	for line := range strings.Lines(lines) {
		pattern, keeps := strings.CutPrefix(strings.TrimSpace(line), "!")
		for part := file; part != "."; part = filepath.Dir(part) {
			name, of := pattern, part
			if rest, anywhere := strings.CutPrefix(pattern, "**/"); anywhere {
				name, of = rest, filepath.Base(part)
			}
			if matches, err := filepath.Match(name, of); err == nil && matches {
				ignored = !keeps
			}
		}
	}
	return ignored
}

func TestReleaseIsMadeByTheGoReleaserThatChecks(t *testing.T) {
	checks := regexp.MustCompile(`(?m)^GORELEASER_VERSION := (\S+)$`).FindStringSubmatch(text(t, "Makefile"))
	makes := regexp.MustCompile(`(?m)goreleaser-action@.*\n\s+with:\n\s+version: (\S+)$`).FindStringSubmatch(text(t, ".github/workflows/release.yaml"))
	if checks == nil || makes == nil || checks[1] != makes[1] {
		t.Errorf("Makefile %q, workflow %q", checks, makes)
	}
}

// TestPinWritesTheDigestOfEachImage runs make pin on copies of the files, with a docker
// that knows a digest for every image, twice: the second time over digests that are there.
func TestPinWritesTheDigestOfEachImage(t *testing.T) {
	dir := t.TempDir()
	files := []string{"Makefile", "Dockerfile", "Dockerfile.release", "examples/compose-pubsub/compose.yaml", "examples/compose-nats/compose.yaml"}
	for _, file := range files {
		writeFile(t, filepath.Join(dir, file), text(t, file), 0o600)
	}
	for _, digest := range []string{"sha256:" + strings.Repeat("1", 64), "sha256:" + strings.Repeat("2", 64)} {
		writeFile(t, filepath.Join(dir, "bin", "docker"), "#!/bin/sh\necho Name: $4\necho 'Digest:    "+digest+"'\n", 0o700)
		for _, target := range []string{"pin", "pinned"} {
			c := exec.CommandContext(t.Context(), "make", "-C", dir, target) //nolint:gosec // our own arguments
			c.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("make %s: %v\n%s", target, err, out)
			}
		}
		for _, file := range files[1:] {
			named := regexp.MustCompile(`(?m)^(?:ARG GO=| +image: )([^@\s]+)(@\S+)?`).FindAllStringSubmatch(text(t, filepath.Join(dir, file)), -1)
			for _, image := range named {
				if image[2] != "@"+digest {
					t.Errorf("%s names %s by %q", file, image[1], image[2])
				}
			}
			if len(named) == 0 {
				t.Errorf("%s names no image", file)
			}
		}
	}
}

func writeFile(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}
