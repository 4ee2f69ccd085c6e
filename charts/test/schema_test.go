package charts

import (
	"encoding/json"
	"fmt"
	"testing"

	"carrier/charts/test/render"
)

// TestSchemaIsStrict: an object whose properties are listed has no others.
func TestSchemaIsStrict(t *testing.T) {
	var schema any
	if err := json.Unmarshal(read(t, "values.schema.json"), &schema); err != nil {
		t.Fatal(err)
	}
	strict := 0
	var walk func(path string, node any)
	walk = func(path string, node any) {
		object, ok := node.(map[string]any)
		if !ok {
			return
		}
		if object["type"] == "object" && object["properties"] != nil {
			strict++
			if object["additionalProperties"] != false {
				t.Errorf("%s takes any property", path)
			}
		}
		for key, inner := range object {
			walk(fmt.Sprintf("%s/%s", path, key), inner)
		}
	}
	walk("", schema)
	if strict < 10 {
		t.Errorf("%d objects only", strict)
	}
}

// TestEverySectionIsInTheValues, and so in the README. Helm checks the other direction
// at each rendering.
func TestEverySectionIsInTheValues(t *testing.T) {
	var schema struct {
		Properties map[string]struct{ Properties map[string]any }
	}
	if err := json.Unmarshal(read(t, "values.schema.json"), &schema); err != nil {
		t.Fatal(err)
	}
	values, err := render.Values(chart + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for section, inner := range schema.Properties {
		switch section {
		case "global", "enabled": // Helm's own, of a dependency
			continue
		case "config", "secrets": // listed in carrier's reference
			inner.Properties = nil
		}
		given, found := values[section]
		if !found {
			t.Errorf("values.yaml has no %s", section)
		}
		for name := range inner.Properties {
			if _, found := given.(map[string]any)[name]; !found {
				t.Errorf("values.yaml has no %s.%s", section, name)
			}
		}
	}
}
