// Package docs holds the pages, and tests that they say nothing that is not there.
package docs

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const root = ".."

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for name, page := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(withoutCode(page), -1) {
			if target := match[1]; !strings.Contains(target, "://") {
				t.Run(name+" "+target, func(t *testing.T) { follow(t, name, target) })
			}
		}
	}
}

// follow fails unless target, as it stands in the page called name, is a file or a
// folder, with the heading that is asked for.
func follow(t *testing.T, name, target string) {
	path, heading, _ := strings.Cut(target, "#")
	at := filepath.Join(root, name)
	if path != "" {
		at = filepath.Join(filepath.Dir(at), path)
	}
	if _, err := os.Stat(at); err != nil {
		t.Fatal(err)
	}
	if heading != "" && !slices.Contains(anchors(read(t, at)), heading) {
		t.Errorf("%s has no heading for #%s", at, heading)
	}
}

func TestTargetsOfMakeExist(t *testing.T) {
	known := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(read(t, filepath.Join(root, "Makefile")), -1) {
		known[match[1]] = true
	}
	used := regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)")
	for name, page := range pages(t) {
		for _, match := range used.FindAllStringSubmatch(page, -1) {
			if !known[match[1]] {
				t.Errorf("%s: make has no target %s", name, match[1])
			}
		}
	}
}

func TestVariablesExist(t *testing.T) {
	variable := regexp.MustCompile(`CARRIER(?:_[A-Z0-9]+)+\b`)
	reference := read(t, "configuration.md")
	for name, page := range pages(t) {
		for _, found := range variable.FindAllString(page, -1) {
			if !slices.ContainsFunc(listedAs(found), func(listed string) bool { return strings.Contains(reference, "`"+listed+"`") }) {
				t.Errorf("%s: carrier has no variable %s", name, found)
			}
		}
	}
}

// listedAs are the names under which the reference may list a variable: its own, that of the process
// for one of a route, and that of any route for one that the process does not have; without _FILE.
func listedAs(variable string) []string {
	var names []string
	for _, name := range []string{variable, strings.TrimSuffix(variable, "_FILE")} {
		rest := regexp.MustCompile(`^CARRIER_(ROUTE_[A-Z0-9]+_)?`).ReplaceAllString(name, "")
		names = append(names, name, "CARRIER_"+rest, "CARRIER_ROUTE_<NAME>_"+rest)
	}
	return names
}

// TestTestsThatAreNamedExist looks at names in backticks and behind -run.
func TestTestsThatAreNamedExist(t *testing.T) {
	tests := map[string]bool{}
	walk(t, "_test.go", func(_, text string) {
		for _, match := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(text, -1) {
			tests[match[1]] = true
		}
	})
	named := regexp.MustCompile("(?:`|-run '?)(Test[A-Z]\\w+)")
	for _, name := range []string{"docs/design.md", "CONTRIBUTING.md"} {
		for _, match := range named.FindAllStringSubmatch(pages(t)[name], -1) {
			if !tests[match[1]] {
				t.Errorf("%s: there is no %s", name, match[1])
			}
		}
	}
}

// TestExportedNamesExist looks up every `package.Name` that the pages mention.
func TestExportedNamesExist(t *testing.T) {
	ours := map[string]string{}
	walk(t, ".go", func(path, _ string) { ours[filepath.Base(filepath.Dir(path))] = filepath.ToSlash(filepath.Dir(path)) })
	qualified := regexp.MustCompile("`\\*?([a-z]+)\\.([A-Z]\\w*)`")
	for name, page := range pages(t) {
		for _, match := range qualified.FindAllStringSubmatch(page, -1) {
			dir, ok := ours[match[1]]
			if !ok {
				continue // of another project
			}
			if out, err := exec.CommandContext(t.Context(), "go", "doc", "carrier/"+dir, match[2]).CombinedOutput(); err != nil {
				t.Errorf("%s: %s.%s: %s", name, match[1], match[2], out)
			}
		}
	}
}

func TestVariantsOfTheBuildAreThere(t *testing.T) {
	found := map[string]bool{}
	walk(t, ".go", func(_, text string) {
		for _, match := range regexp.MustCompile(`(?m)^//go:build !(no\w+|otel)$`).FindAllStringSubmatch(text, -1) {
			found[match[1]] = true
		}
	})
	readme := read(t, filepath.Join(root, "README.md"))
	for _, tag := range slices.Sorted(maps.Keys(found)) {
		if !strings.Contains(readme, "-tags "+tag) {
			t.Errorf("README.md does not name the build tag %s", tag)
		}
	}
}

// TestPagesAreWrappedAndPlain: a line of text has at most 100 characters, and what the glossary
// has a word for goes by no other. Tables may be wide; generated pages are as they are generated.
func TestPagesAreWrappedAndPlain(t *testing.T) {
	fenced := regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	for name, page := range pages(t) {
		if name == "docs/configuration.md" || name == "bench/report.md" {
			continue
		}
		for line := range strings.Lines(fenced.ReplaceAllString(page, "")) {
			line = strings.TrimSuffix(line, "\n")
			if utf8.RuneCountInString(line) > 100 && !strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "    ") {
				t.Errorf("%s: %d characters: %s", name, utf8.RuneCountInString(line), line)
			}
			if strings.Contains(line, "in hand") {
				t.Errorf("%s: say in flight: %s", name, line)
			}
		}
	}
}

// pages returns the pages written for readers, by their path from the root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	walk(t, ".md", func(path, text string) { all[path] = text })
	if len(all) < 6 {
		t.Fatalf("found %d pages only", len(all))
	}
	return all
}

// walk calls visit with each file of the repository whose name ends so.
func walk(t *testing.T, suffix string, visit func(path, text string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // a test beside this one has removed it
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == ".git" || d.Name() == "bin"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, suffix):
			return nil
		}
		visit(path, read(t, filepath.Join(root, path)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// withoutCode drops fenced blocks and what stands between backticks.
func withoutCode(page string) string {
	page = regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(page, "")
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllString(page, "")
}

// anchors are the names by which a page's headings can be linked to, as GitHub makes
// them.
func anchors(page string) []string {
	var all []string
	for _, match := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, match[1]))
	}
	return all
}
