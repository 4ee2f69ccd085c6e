package charts

import (
	"strings"
	"testing"

	"carrier/charts/test/render"
)

// TestMistakesAreRefused: each is refused by the schema or by a template, whichever Helm
// renders it, with a message that names the value.
func TestMistakesAreRefused(t *testing.T) {
	token := map[string]any{"name": "orders-carrier", "key": "admin-token"}
	authentication := map[string]any{"name": "keda"}
	absent := map[string]any{"name": "nobody", "key": "admin-token"}
	for name, tt := range map[string]struct {
		kubernetes string
		set        map[string]any
		says       string
	}{
		"a value that is not there":                   {set: map[string]any{"workload.replica": 2}, says: "replica"},
		"a variable that is not there":                {set: map[string]any{"config.CARRIER_CONCURENCY": 2}, says: "CARRIER_CONCURENCY"},
		"a number out of range":                       {set: map[string]any{"config.CARRIER_SQS_BATCH_SIZE": 11}, says: "CARRIER_SQS_BATCH_SIZE"},
		"a word that is not allowed":                  {set: map[string]any{"config.CARRIER_LOG_LEVEL": "loud"}, says: "CARRIER_LOG_LEVEL"},
		"a duration without its unit":                 {set: map[string]any{"config.CARRIER_DRAIN_TIMEOUT": "20"}, says: "CARRIER_DRAIN_TIMEOUT"},
		"a secret among the plain values":             {set: map[string]any{"config.CARRIER_INGEST_TOKEN": "s3cret"}, says: "CARRIER_INGEST_TOKEN"},
		"a secret in place of a reference":            {set: map[string]any{"secrets.CARRIER_INGEST_TOKEN": "s3cret"}, says: "CARRIER_INGEST_TOKEN"},
		"a secret beside a reference":                 {set: map[string]any{"secrets.CARRIER_INGEST_TOKEN": map[string]any{"name": "n", "key": "k", "value": "s3cret"}}, says: "CARRIER_INGEST_TOKEN"},
		"a reference without its key":                 {set: map[string]any{"secrets.CARRIER_INGEST_TOKEN": map[string]any{"name": "n"}}, says: "key"},
		"a secret given twice":                        {set: map[string]any{"secrets.CARRIER_INGEST_TOKEN": token, "config.CARRIER_INGEST_TOKEN_FILE": "/token"}, says: "give one of them"},
		"a plain variable as a secret":                {set: map[string]any{"secrets.CARRIER_LOG_LEVEL": token}, says: "CARRIER_LOG_LEVEL"},
		"a secret past config and secrets":            {set: map[string]any{"sidecar.env": []any{map[string]any{"name": "CARRIER_ADMIN_TOKEN", "value": "s3cret"}}}, says: "/sidecar/env/0/name"},
		"AWS's secret in plain text":                  {set: map[string]any{"sidecar.env": []any{map[string]any{"name": "AWS_SECRET_ACCESS_KEY", "value": "s3cret"}}}, says: "/sidecar/env/0"},
		"a limit for the collector":                   {set: map[string]any{"sidecar.env": []any{map[string]any{"name": "GOMEMLIMIT", "value": "64MiB"}}}, says: "/sidecar/env/0/name"},
		"no worker":                                   {set: map[string]any{"worker.image.repository": ""}, says: "worker.image.repository"},
		"no image":                                    {set: map[string]any{"image.repository": ""}, says: "image.repository"},
		"a native sidecar before Kubernetes 1.29":     {kubernetes: "v1.28.9", says: "sidecar.native"},
		"a sleep before Kubernetes 1.30":              {kubernetes: "v1.29.9", set: map[string]any{"worker.preStop": "sleep"}, says: "worker.preStop"},
		"a Kubernetes before the chart's":             {kubernetes: "v1.24.9", set: map[string]any{"sidecar.native": false}, says: "kubeVersion"},
		"a native sidecar that nothing drains":        {set: map[string]any{"config.CARRIER_ADMIN_ADDRESS": ""}, says: "CARRIER_ADMIN_ADDRESS"},
		"a hook to a port that is closed":             {set: map[string]any{"config.CARRIER_ADMIN_ADDRESS": "", "sidecar.native": false}, says: "worker.preStop"},
		"an admin port that no probe reaches":         {set: map[string]any{"config.CARRIER_ADMIN_ADDRESS": "127.0.0.1:9010"}, says: "CARRIER_ADMIN_ADDRESS"},
		"a grace period that is too short":            {set: map[string]any{"pod.terminationGracePeriodSeconds": 34}, says: "need 35"},
		"an admin token that is not there":            {set: map[string]any{"secrets.CARRIER_ADMIN_TOKEN": absent}, says: "worker.preStop"},
		"an admin token that no hook can read":        {set: map[string]any{"config.CARRIER_ADMIN_TOKEN_FILE": "/token"}, says: "CARRIER_ADMIN_TOKEN_FILE"},
		"ingest open to everybody":                    {set: map[string]any{"config.CARRIER_INGEST_ADDRESS": ":8080"}, says: "CARRIER_INGEST_ALLOW_ANONYMOUS"},
		"two certificates":                            {set: map[string]any{"service.tlsSecret": "tls", "config.CARRIER_INGEST_TLS_CERT_FILE": "/tls.crt"}, says: "service.tlsSecret"},
		"a certificate with nothing to serve":         {set: map[string]any{"service.tlsSecret": "tls", "config.CARRIER_RECEIVER": "sqs"}, says: "service.tlsSecret"},
		"a queue beside its volume":                   {set: map[string]any{"config.CARRIER_INGEST_DATA_DIR": "/tmp/queue"}, says: "persistence.mountPath"},
		"one claim for many pods":                     {set: map[string]any{"persistence.existingClaim": "queue", "workload.replicas": 2}, says: "workload.replicas"},
		"one claim for a StatefulSet":                 {set: map[string]any{"persistence.existingClaim": "queue", "workload.kind": "StatefulSet"}, says: "persistence.existingClaim"},
		"a Service without a port":                    {set: map[string]any{"service.enabled": true}, says: "service.enabled"},
		"a budget for pods that are not known":        {set: map[string]any{"workload.enabled": false, "podDisruptionBudget.enabled": true}, says: "workload.selectorLabels"},
		"two autoscalers":                             {set: map[string]any{"keda.enabled": true, "autoscaling.enabled": true, "autoscaling.metrics": []any{map[string]any{}}}, says: "choose one"},
		"KEDA without credentials for the cloud":      {set: map[string]any{"keda.enabled": true, "config.CARRIER_SQS_QUEUE_NAME": "q"}, says: "keda.authenticationRef"},
		"KEDA without the queue's region":             {set: map[string]any{"keda.enabled": true, "keda.authenticationRef": authentication, "config.CARRIER_SQS_QUEUE_NAME": "q"}, says: "AWS_REGION"},
		"KEDA without the subscription's project":     {set: map[string]any{"keda.enabled": true, "keda.authenticationRef": authentication, "config.CARRIER_PUBSUB_SUBSCRIPTION": "s"}, says: "CARRIER_PUBSUB_PROJECT"},
		"KEDA on ingest without Prometheus":           {set: map[string]any{"keda.enabled": true}, says: "keda.serverAddress"},
		"no pod for the producers":                    {set: map[string]any{"keda.enabled": true, "keda.minReplicas": 0, "keda.serverAddress": "http://p"}, says: "keda.minReplicas"},
		"one claim for pods as many as are needed":    {set: map[string]any{"keda.enabled": true, "keda.serverAddress": "http://p", "persistence.existingClaim": "queue"}, says: "one claim"},
		"jobs that nobody starts":                     {set: map[string]any{"workload.kind": "ScaledJob", "config.CARRIER_SQS_QUEUE_NAME": "q"}, says: "set keda.enabled"},
		"jobs on ingest":                              {set: map[string]any{"workload.kind": "ScaledJob", "keda.enabled": true}, says: "producers of ingest"},
		"jobs and another autoscaler":                 {set: map[string]any{"workload.kind": "ScaledJob", "keda.enabled": true, "autoscaling.enabled": true, "autoscaling.metrics": []any{map[string]any{}}}, says: "autoscaling.enabled"},
		"a budget for the pods of jobs":               {set: map[string]any{"workload.kind": "ScaledJob", "keda.enabled": true, "podDisruptionBudget.enabled": true}, says: "podDisruptionBudget.enabled"},
		"jobs before Kubernetes 1.29":                 {kubernetes: "v1.28.9", set: map[string]any{"workload.kind": "ScaledJob", "keda.enabled": true, "config.CARRIER_SQS_QUEUE_NAME": "q"}, says: "needs Kubernetes 1.29"},
		"jobs without credentials for the cloud":      {set: map[string]any{"workload.kind": "ScaledJob", "keda.enabled": true, "config.CARRIER_SQS_QUEUE_NAME": "q"}, says: "keda.authenticationRef"},
		"a carrier that ends in a Deployment":         {set: map[string]any{"config.CARRIER_EXIT_WHEN_IDLE": "30s"}, says: "set workload.kind to ScaledJob"},
		"a job with a limit that is none":             {set: map[string]any{"job.backoffLimit": -1}, says: "backoffLimit"},
		"an autoscaler without a request to measure":  {set: map[string]any{"autoscaling.enabled": true, "config.CARRIER_SQS_QUEUE_NAME": "q"}, says: "requests.cpu"},
		"an autoscaler for a workload without a name": {set: map[string]any{"autoscaling.enabled": true, "workload.enabled": false}, says: "workloadName"},
		"nothing to scrape":                           {set: map[string]any{"podMonitor.enabled": true, "config.CARRIER_ADMIN_ADDRESS": "", "sidecar.native": false, "worker.preStop": "none"}, says: "podMonitor.enabled"},
		"an alert that is not there":                  {set: map[string]any{"prometheusRule.enabled": true, "prometheusRule.alerts": map[string]any{"CarrierDown": map[string]any{"for": "1m"}}}, says: "CarrierDown"},
		"a field that no alert has":                   {set: map[string]any{"prometheusRule.alerts": map[string]any{"CarrierWorkerDown": map[string]any{"For": "1m"}}}, says: "/prometheusRule/alerts/CarrierWorkerDown"},
		"two routes of one name":                      {set: map[string]any{"routes": routes("mail", "mail")}, says: "mail and mail"},
		"a route whose variables are another's":       {set: map[string]any{"routes": routes("mail", "orders", "mail-sqs")}, says: "mail and mail-sqs"},
		"a route in capitals":                         {set: map[string]any{"routes": routes("Mail")}, says: "/routes/0/name"},
		"a route with the name of none":               {set: map[string]any{"routes": routes("default")}, says: "/routes/0/name"},
		"a route without a name":                      {set: map[string]any{"routes": []any{map[string]any{"config": map[string]any{}}}}, says: "name"},
		"a variable of the process on a route":        {set: map[string]any{"routes": []any{map[string]any{"name": "mail", "config": map[string]any{"CARRIER_DRAIN_TIMEOUT": "5s"}}}}, says: "CARRIER_DRAIN_TIMEOUT"},
		"a route's weight without a route":            {set: map[string]any{"config.CARRIER_WEIGHT": 2}, says: "CARRIER_WEIGHT"},
		"a secret among a route's values":             {set: map[string]any{"routes": []any{map[string]any{"name": "mail", "config": map[string]any{"CARRIER_WEBHOOK_HEADERS": "X:s3cret"}}}}, says: "CARRIER_WEBHOOK_HEADERS"},
		"routes past the values":                      {set: map[string]any{"config.CARRIER_ROUTES": "a,b"}, says: "CARRIER_ROUTES"},
		"KEDA on two clouds with one identity":        {set: map[string]any{"keda.enabled": true, "keda.authenticationRef": authentication, "routes": []any{map[string]any{"name": "a", "config": map[string]any{"CARRIER_SQS_QUEUE_NAME": "q"}}, map[string]any{"name": "b", "config": map[string]any{"CARRIER_PUBSUB_SUBSCRIPTION": "s"}}}}, says: "keda.triggers"},
		"the role of another cloud in place of AWS's": {set: map[string]any{"serviceAccount.awsRoleArn": "orders@p.iam.gserviceaccount.com"}, says: "awsRoleArn"},
	} {
		t.Run(name, func(t *testing.T) {
			values := cases(t)["minimal"]
			for path, value := range tt.set {
				values = with(values, path, value)
			}
			r := release(values)
			if tt.kubernetes != "" {
				r.KubeVersion = tt.kubernetes
			}
			for version, helm := range render.Helms() {
				if _, err := helm(chart, r); err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%s: want an error with %q: %v", version, tt.says, err)
				} else if strings.Contains(err.Error(), "s3cret") {
					t.Errorf("%s prints the secret: %v", version, err)
				}
			}
		})
	}
}

// routes are routes that have nothing but a name.
func routes(names ...string) []any {
	var all []any
	for _, name := range names {
		all = append(all, map[string]any{"name": name})
	}
	return all
}
