package reference

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	begin = "<!-- values: begin; made by make chartdocs -->\n"
	end   = "<!-- values: end -->\n"
)

// Readme returns readme with what stands between its two marks made anew from the
// comments in values. A value without a description is an error.
func Readme(readme, values []byte) ([]byte, error) {
	before, rest, opened := bytes.Cut(readme, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !opened || !closed {
		return nil, fmt.Errorf("the README has no lines %q and %q", begin, end)
	}
	table, err := tables(values)
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{before, []byte(begin), table, []byte(end), after}, nil), nil
}

// tables is a table for the plain values at the top, and one for each group.
func tables(values []byte) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(values, &document); err != nil {
		return nil, err
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("the values are no mapping")
	}
	var single, grouped strings.Builder
	for _, e := range entries(document.Content[0]) {
		if description, ok := e.description(); ok {
			e.row(&single, description)
			continue
		}
		fmt.Fprintf(&grouped, "\n### %s\n\n%s%s", e.path, e.introduction(), head)
		if err := e.rows(&grouped); err != nil {
			return nil, err
		}
	}
	return []byte(head + single.String() + grouped.String()), nil
}

const head = "| value | default | meaning |\n|---|---|---|\n"

// An entry is one key of the values.
type entry struct {
	path       string
	key, value *yaml.Node
}

func entries(mapping *yaml.Node) []entry {
	var all []entry
	for i := 0; i < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		all = append(all, entry{path: key.Value, key: key, value: value})
	}
	return all
}

// description is the comment above the key from "-- " on.
func (e entry) description() (string, bool) {
	_, text, ok := strings.Cut(e.key.HeadComment, "# -- ")
	return strings.ReplaceAll(text, "\n# ", " "), ok
}

// introduction is a group's comment, as a paragraph of its own.
func (e entry) introduction() string {
	paragraphs := strings.Split(e.key.HeadComment, "\n\n")
	text := strings.TrimPrefix(strings.ReplaceAll(paragraphs[len(paragraphs)-1], "\n# ", " "), "# ")
	if text == "" {
		return ""
	}
	return wrapped(text) + "\n\n"
}

// wrapped is text in lines of at most 100 characters.
func wrapped(text string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > 100 {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return strings.Join(append(lines, line), "\n")
}

// rows writes a row for each value within e.
func (e entry) rows(w *strings.Builder) error {
	if e.value.Kind != yaml.MappingNode || len(e.value.Content) == 0 {
		return fmt.Errorf("the value %s has no description: a comment that begins with --", e.path)
	}
	for _, child := range entries(e.value) {
		child.path = e.path + "." + child.path
		if description, ok := child.description(); ok {
			child.row(w, description)
		} else if err := child.rows(w); err != nil {
			return err
		}
	}
	return nil
}

func (e entry) row(w *strings.Builder, description string) {
	fmt.Fprintf(w, "| `%s` | `%s` | %s |\n", e.path, e.standard(), strings.ReplaceAll(description, "|", `\|`))
}

// standard is the default as JSON, on one line.
func (e entry) standard() string {
	var value any
	if err := e.value.Decode(&value); err != nil {
		return err.Error()
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
