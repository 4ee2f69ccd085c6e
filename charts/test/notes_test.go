package charts

import (
	"strings"
	"testing"

	"carrier/charts/test/render"
)

func TestNotesSayWhatToMind(t *testing.T) {
	for name, says := range map[string]string{
		"sqs":               "has 105 s: 95 s for carrier's drain, then 10 s for the worker",
		"ingest":            "Producers post to http://orders-carrier.shop:80/",
		"ingest-tls":        "Producers post to https://orders-carrier.shop:443/",
		"ingest-emptydir":   "WARNING: the ingest queue is on an emptyDir",
		"ingest-deployment": "Deployment orders-carrier",
		"job-routes":        "A job ends when it has found nothing more for 30s.",
		"everything":        "The admin token stands in the pod's specification",
	} {
		manifests, err := render.Helm4(chart, release(cases(t)[name]))
		if err != nil {
			t.Fatal(err)
		}
		if notes := manifests["carrier/templates/NOTES.txt"]; !strings.Contains(notes, says) {
			t.Errorf("%s does not say %q:\n%s", name, says, notes)
		}
	}
}
