package charts

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime"

	"carrier/charts/test/render"
)

// TestManifestsInThePagesAreObjects decodes every manifest that docs/operations.md shows.
func TestManifestsInThePagesAreObjects(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	known, err := decoder()
	if err != nil {
		t.Fatal(err)
	}
	var objects []runtime.Object
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllSubmatch(text, -1) {
		if !strings.HasPrefix(string(block[1]), "apiVersion:") {
			continue // a part of some file
		}
		for _, document := range render.Documents(map[string]string{"operations.md": string(block[1])}) {
			object, err := known.Decode(document)
			if err != nil {
				t.Errorf("%v in\n%s", err, document.YAML)
				continue
			}
			objects = append(objects, object)
		}
	}
	scaled := of[*keda.ScaledObject](objects)
	if len(objects) < 5 || len(scaled) < 3 {
		t.Errorf("%d objects, of them %d ScaledObjects", len(objects), len(scaled))
	}
	for _, s := range scaled {
		valid(t, s)
	}
}
