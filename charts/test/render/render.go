// Package render renders a chart as Helm does, with Helm 3 and with Helm 4 as libraries,
// and reads what comes out strictly into the types of the Kubernetes API.
package render

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// A Release is what a chart is rendered for.
type Release struct {
	Name, Namespace string
	// KubeVersion is the cluster's, such as "v1.33.0".
	KubeVersion string
	// Values are those a user gives. They are not changed.
	Values map[string]any
	// Secrets are what the lookup function finds: by name, then by key. Nil means that
	// no cluster is asked, as with helm template.
	Secrets map[string]map[string]string
}

// A Helm renders the chart in a directory. The manifests are named by their template's path
// within the chart. An error is what Helm tells its user.
type Helm func(chartDir string, r Release) (map[string]string, error)

// Helms are the versions of Helm that are tried, by name.
func Helms() map[string]Helm {
	return map[string]Helm{"Helm 3": Helm3, "Helm 4": Helm4}
}

// A Document is one document of a rendered template.
type Document struct{ Template, YAML string }

// Documents splits what a Helm returned, in the order of the templates' names, without
// what is empty and without NOTES.txt.
func Documents(rendered map[string]string) []Document {
	var all []Document
	for name, text := range rendered {
		if path.Base(name) == "NOTES.txt" {
			continue
		}
		for _, part := range strings.Split("\n"+text, "\n---") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, Document{Template: name, YAML: part})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Document) int { return cmp.Compare(a.Template, b.Template) })
	return all
}
