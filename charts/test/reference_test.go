package charts

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"carrier/charts/test/reference"
)

func TestReadmeShowsEveryValue(t *testing.T) {
	values, readme := read(t, "values.yaml"), read(t, "README.md")
	fresh, err := reference.Readme(readme, values)
	if err != nil {
		t.Fatal(err)
	}
	isFresh(t, "README.md", readme, fresh)
}

func TestSchemaKnowsEveryVariable(t *testing.T) {
	schema := read(t, "values.schema.json")
	fresh, err := reference.Schema(schema)
	if err != nil {
		t.Fatal(err)
	}
	isFresh(t, "values.schema.json", schema, fresh)
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chart, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func isFresh(t *testing.T, name string, text, fresh []byte) {
	t.Helper()
	if !bytes.Equal(text, fresh) {
		t.Errorf("charts/carrier/%s is out of date: make chartdocs writes it", name)
	}
}
