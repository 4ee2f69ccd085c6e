package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLinesOfFunctionsFilesAndPackagesAreCounted(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a/a.go":              "package a\n\n// F has a comment.\nfunc F() {\n}\n",
		"a/b.go":              "package a\n\nfunc one() {}\n\nfunc three() int {\n\treturn 3\n}\n",
		"b/b.go":              "package b\n",
		"b/b_test.go":         "package b\n\nfunc long() {\n\n\n\n\n\n\n\n\n}\n",
		"b/testdata/c.go":     "this is no Go\n",
		"b/.hidden/c.go":      "nor is this\n",
		"node_modules/x/c.go": "nor this\n",
		"README.md":           "nor this\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := measure(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := " | 3 | 2 | 2 | 3 | 3 | 5 | 5 | 7 | 2 | a, 12 |"; !strings.HasSuffix(got.String(), want) {
		t.Errorf("got %s, want %s at the end", got, want)
	}
}

func TestFileThatIsNoGoIsAnError(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := measure(dir); err == nil {
		t.Errorf("measured %s", got)
	}
	if got, err := measure(t.TempDir()); err != nil || !strings.Contains(got.String(), "| 0 |") {
		t.Errorf("an empty tree: %v, %v", got, err)
	}
}

// mostLines is how many lines a package may have, tests left out.
const mostLines = 1700

// tooLarge lists the packages of t that have more lines than are allowed.
func tooLarge(t *tree) (found []string) {
	for dir, lines := range t.packages {
		name, err := filepath.Rel(t.dir, dir)
		if err != nil {
			name = dir
		}
		if lines > mostLines {
			found = append(found, fmt.Sprintf("%s: %d lines", filepath.ToSlash(name), lines))
		}
	}
	return found
}

func TestNoPackageIsTooLargeToRead(t *testing.T) {
	measured, err := measure("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if measured.packages["../../../internal/testkit/codefigures"] == 0 {
		t.Fatal("this package is not in the tree that was measured")
	}
	for _, p := range tooLarge(measured) {
		t.Errorf("%s, at most %d are allowed: move a subject of it to a package of its own", p, mostLines)
	}
}

func TestPackageOverTheLimitIsFound(t *testing.T) {
	lines := map[string]int{"x/a": mostLines, "x/b": mostLines + 1}
	got := tooLarge(&tree{dir: "x", packages: lines})
	if len(got) != 1 || got[0] != "b: 1701 lines" {
		t.Errorf("too large: %v, want b alone", got)
	}
}
