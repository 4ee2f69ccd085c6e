package render

import (
	"os"

	"sigs.k8s.io/yaml"
)

// Values reads a file of values, as Helm does: a number is a float64 then.
func Values(file string) (map[string]any, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	return values, yaml.UnmarshalStrict(text, &values)
}

// copied is a deep copy of values, made as if they came from a file: Helm writes into
// the map it is given.
func copied(values map[string]any) (map[string]any, error) {
	text, err := yaml.Marshal(values)
	if err != nil {
		return nil, err
	}
	fresh := map[string]any{}
	return fresh, yaml.Unmarshal(text, &fresh)
}
