// Generate writes the parts of the chart that are made from others: the table in its
// README, from values.yaml, and the variables in values.schema.json, from carrier's
// configuration. It is run in charts/test.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"carrier/charts/test/reference"
)

const chart = "../carrier"

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func write() error {
	values, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		return err
	}
	if err := rewrite("README.md", func(old []byte) ([]byte, error) { return reference.Readme(old, values) }); err != nil {
		return err
	}
	return rewrite("values.schema.json", reference.Schema)
}

func rewrite(name string, make func([]byte) ([]byte, error)) error {
	path := filepath.Join(chart, name)
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fresh, err := make(old)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(path, fresh, 0o644)
}
