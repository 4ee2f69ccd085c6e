package render

import (
	"context"
	"encoding/base64"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// A secretReader is a cluster that has nothing but Secrets, the same in every namespace.
type secretReader map[string]map[string]string

// GetClientFor is what Helm's lookup function asks first.
func (s secretReader) GetClientFor(apiVersion, kind string) (dynamic.NamespaceableResourceInterface, bool, error) {
	if apiVersion != "v1" || kind != "Secret" {
		return nil, false, fmt.Errorf("the chart looks up %s %s", apiVersion, kind)
	}
	return secretsClient{secrets: s}, true, nil
}

// A secretsClient answers Get; whatever else is called panics.
type secretsClient struct {
	dynamic.NamespaceableResourceInterface
	secrets secretReader
}

func (c secretsClient) Namespace(string) dynamic.ResourceInterface { return c }

func (c secretsClient) Get(_ context.Context, name string, _ metav1.GetOptions, _ ...string) (*unstructured.Unstructured, error) {
	secret, found := c.secrets[name]
	if !found {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
	}
	data := map[string]any{}
	for key, value := range secret {
		data[key] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name}, "data": data,
	}}, nil
}
