package charts

import (
	"maps"
	"testing"

	"carrier/charts/test/render"
)

func TestEveryCaseRendersAlikeWithEachHelm(t *testing.T) {
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			three, err := render.Helm3(chart, release(values))
			if err != nil {
				t.Fatalf("Helm 3: %v", err)
			}
			four, err := render.Helm4(chart, release(values))
			if err != nil {
				t.Fatalf("Helm 4: %v", err)
			}
			if !maps.Equal(three, four) {
				t.Errorf("Helm 3 and 4 differ:\n%s\n%s", three, four)
			}
			if objects := decoded(t, four); len(objects) == 0 {
				t.Error("nothing was rendered")
			}
		})
	}
}

func TestDecoderRefusesWhatTheAPIDoesNotHave(t *testing.T) {
	decoder, err := decoder()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"an unknown kind":         "apiVersion: v1\nkind: Pot",
		"an unknown field":        "apiVersion: v1\nkind: Pod\nspec: {restartPolice: Always}",
		"a field given twice":     "apiVersion: v1\nkind: Pod\nkind: Pod",
		"a value of other type":   "apiVersion: v1\nkind: Pod\nspec: {hostNetwork: 'yes'}",
		"a field of KEDA's":       "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nspec: {maxReplicas: 3}",
		"a field of PodMonitor's": "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nspec: {endpoints: []}",
	} {
		if _, err := decoder.Decode(render.Document{Template: name, YAML: text}); err == nil {
			t.Errorf("%s is not refused", name)
		}
	}
}

// TestEveryKubernetesIsServed: with the sidecar its version knows, whatever its vendor
// adds to the number.
func TestEveryKubernetesIsServed(t *testing.T) {
	for version, native := range map[string]bool{
		"v1.25.0": false, "v1.28.15-eks-94953ac": false, "v1.29.0": true, "v1.29.3-eks-adc7111": true,
		"v1.33.4-gke.1245000": true, "v1.36.2+k3s1": true,
	} {
		r := release(with(cases(t)["minimal"], "sidecar.native", native))
		r.KubeVersion = version
		for name, helm := range render.Helms() {
			if _, err := helm(chart, r); err != nil {
				t.Errorf("%s, %s: %v", version, name, err)
			}
		}
	}
}
