// Command codefigures prints how long the functions, files and packages of a tree are, tests
// left out, as a table in Markdown:
//
//	codefigures [DIR...]
package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	dirs := os.Args[1:]
	if len(dirs) == 0 {
		dirs = []string{"."}
	}
	fmt.Println("| tree | functions | p50 | p90 | longest | files | p50 | p90 | longest | packages | largest |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|")
	for _, dir := range dirs {
		t, err := measure(dir)
		if err != nil {
			fmt.Fprintln(os.Stderr, "codefigures:", err)
			os.Exit(1)
		}
		fmt.Println(t)
	}
}

// A tree is what measure found. Lengths are in lines, comments and empty lines included; a
// function's doc comment is not.
type tree struct {
	dir              string
	functions, files []int
	packages         map[string]int // lines by directory
}

// measure reads every Go file below dir that is no test. It passes over folders whose name begins
// with a dot, testdata and node_modules.
func measure(dir string) (*tree, error) {
	t := &tree{dir: dir, packages: map[string]int{}}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != dir && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		return t.add(path)
	})
	return t, err
}

func (t *tree) add(path string) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	line := func(p token.Pos) int { return set.Position(p).Line }
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			t.functions = append(t.functions, line(f.End())-line(f.Pos())+1)
		}
	}
	lines := set.File(file.Pos()).LineCount()
	t.files = append(t.files, lines)
	t.packages[filepath.Dir(path)] += lines
	return nil
}

// String is a row of the table.
func (t *tree) String() string {
	largest := ""
	for dir, lines := range t.packages {
		if largest == "" || cmp.Or(-cmp.Compare(lines, t.packages[largest]), strings.Compare(dir, largest)) < 0 {
			largest = dir
		}
	}
	name, err := filepath.Rel(t.dir, largest)
	if err != nil {
		name = largest
	}
	return fmt.Sprintf("| %s | %s | %s | %d | %s, %d |", t.dir, row(t.functions), row(t.files), len(t.packages), name, t.packages[largest])
}

// row is how many there are, the median, the 90th percentile and the greatest.
func row(lengths []int) string {
	if len(lengths) == 0 {
		return "0 | | | "
	}
	sorted := slices.Sorted(slices.Values(lengths))
	at := func(percent int) int { return sorted[(len(sorted)-1)*percent/100] }
	return fmt.Sprintf("%d | %d | %d | %d", len(sorted), at(50), at(90), at(100))
}
