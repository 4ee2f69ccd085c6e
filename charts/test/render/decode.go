package render

import (
	"errors"
	"fmt"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
)

// A Decoder reads documents strictly into typed objects. It may be used at once by many.
type Decoder struct{ codec runtime.Decoder }

// NewDecoder returns a Decoder that knows the Kubernetes API, KEDA's kinds and the
// Prometheus operator's.
func NewDecoder() (*Decoder, error) {
	known := runtime.NewScheme()
	if err := errors.Join(scheme.AddToScheme(known), keda.AddToScheme(known), monitoring.AddToScheme(known)); err != nil {
		return nil, err
	}
	strict := serializer.NewCodecFactory(known, serializer.EnableStrict)
	return &Decoder{codec: strict.UniversalDeserializer()}, nil
}

// Decode refuses a kind that is not known, a field that its type does not have, a field
// given twice, and a value of another type.
func (d *Decoder) Decode(doc Document) (runtime.Object, error) {
	object, _, err := d.codec.Decode([]byte(doc.YAML), nil, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doc.Template, err)
	}
	return object, nil
}
