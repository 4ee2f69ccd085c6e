// Package charts holds the tests of charts/carrier: that it renders with Helm 3 and 4, and
// that what it renders is right, without a cluster.
package charts

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"carrier/charts/test/render"
)

const (
	chart      = "../carrier"
	kubernetes = "v1.33.0"
)

// cases are the files of values, by name: each is a way the chart is used.
func cases(t *testing.T) map[string]map[string]any {
	t.Helper()
	files, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no values to render: %v", err)
	}
	all := map[string]map[string]any{}
	for _, file := range files {
		values, err := render.Values(file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".yaml")] = values
	}
	return all
}

// secrets are those that the cluster of the tests has.
func secrets() map[string]map[string]string {
	return map[string]map[string]string{"orders-carrier": {"admin-token": "s3cret"}}
}

func release(values map[string]any) render.Release {
	return render.Release{
		Name: "orders", Namespace: "shop", KubeVersion: kubernetes, Values: values, Secrets: secrets(),
	}
}

// rendered is the chart's objects, rendered with Helm 4.
func rendered(t *testing.T, values map[string]any) []runtime.Object {
	t.Helper()
	manifests, err := render.Helm4(chart, release(values))
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, manifests)
}

// decoder knows some thousand types, which takes its time.
var decoder = sync.OnceValues(render.NewDecoder)

func decoded(t *testing.T, manifests map[string]string) []runtime.Object {
	t.Helper()
	decoder, err := decoder()
	if err != nil {
		t.Fatal(err)
	}
	var all []runtime.Object
	for _, document := range render.Documents(manifests) {
		object, err := decoder.Decode(document)
		if err != nil {
			t.Fatalf("%v\n%s", err, document.YAML)
		}
		all = append(all, object)
	}
	return all
}

// of returns the objects that are of one type.
func of[T runtime.Object](objects []runtime.Object) []T {
	var found []T
	for _, object := range objects {
		if typed, ok := object.(T); ok {
			found = append(found, typed)
		}
	}
	return found
}

// only returns the one object of its type.
func only[T runtime.Object](t *testing.T, objects []runtime.Object) T {
	t.Helper()
	found := of[T](objects)
	if len(found) != 1 {
		t.Fatalf("%d objects of type %T, not one", len(found), *new(T))
	}
	return found[0]
}

// podOf returns the pod of the one Deployment, StatefulSet or ScaledJob.
func podOf(t *testing.T, objects []runtime.Object) corev1.PodTemplateSpec {
	t.Helper()
	if sets := of[*appsv1.StatefulSet](objects); len(sets) > 0 {
		return sets[0].Spec.Template
	}
	if jobs := of[*keda.ScaledJob](objects); len(jobs) > 0 {
		return jobs[0].Spec.JobTargetRef.Template
	}
	return only[*appsv1.Deployment](t, objects).Spec.Template
}

// container returns the container of that name, native sidecars included.
func container(t *testing.T, pod corev1.PodTemplateSpec, name string) corev1.Container {
	t.Helper()
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no container %q", name)
	return corev1.Container{}
}

// with returns values with one more, at a path of keys with dots between them.
func with(values map[string]any, path string, value any) map[string]any {
	fresh := maps.Clone(values)
	if fresh == nil {
		fresh = map[string]any{}
	}
	key, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		fresh[key] = value
		return fresh
	}
	inner, _ := fresh[key].(map[string]any)
	fresh[key] = with(inner, rest, value)
	return fresh
}
