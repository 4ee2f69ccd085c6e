{{/* What an autoscaler scales. A queue file has one carrier, so that one claim is not scaled. */}}
{{- define "carrier.scaleTarget" -}}
{{- if and .Values.autoscaling.enabled .Values.keda.enabled -}}
{{- fail "autoscaling.enabled and keda.enabled: two autoscalers would work against each other; choose one" -}}
{{- end -}}
{{- $kind := include "carrier.workloadKind" . -}}
{{- if and .Values.workload.enabled (eq $kind "Deployment") (eq (include "carrier.persistent" .) "true") -}}
{{- fail "autoscaling.enabled, keda.enabled: a Deployment has one claim, and a queue file one carrier; a StatefulSet can be scaled" -}}
{{- end -}}
apiVersion: apps/v1
kind: {{ $kind }}
name: {{ include "carrier.scaleTargetName" . }}
{{- end }}

{{- define "carrier.scaleTargetName" -}}
{{- $given := .Values.keda.enabled | ternary .Values.keda.workloadName .Values.autoscaling.workloadName -}}
{{- if not (or $given .Values.workload.enabled) -}}
{{- fail "autoscaling.workloadName, keda.workloadName: with workload.enabled false, say what your own workload is called" -}}
{{- end -}}
{{- $given | default (include "carrier.fullname" .) -}}
{{- end }}

{{/* dict "context" . "behavior" VALUE. An ingest pod that is taken away takes its queue
     along, so that nothing scales it in unless that is asked for. */}}
{{- define "carrier.scaleBehavior" -}}
{{- if .behavior -}}
{{- toYaml .behavior -}}
{{- else if include "carrier.ingests" .context -}}
scaleDown:
  selectPolicy: Disabled
{{- else -}}
scaleDown:
  stabilizationWindowSeconds: 300
{{- end -}}
{{- end }}

{{/* The triggers of KEDA: one for each route on SQS and on Pub/Sub, and one for ingest, whose queue
     all its routes share. KEDA follows the one that asks for the most pods. */}}
{{- define "carrier.kedaTriggers" -}}
{{- $routes := (include "carrier.routing" . | fromJson).routes -}}
{{- $receivers := list -}}
{{- range $routes -}}{{- $receivers = append $receivers .receiver | uniq -}}{{- end -}}
{{- $clouds := without $receivers "ingest" "nats" -}}
{{- if and $clouds (not .Values.keda.authenticationRef) -}}
{{- fail "keda.authenticationRef: KEDA asks the cloud how many messages there are: name a TriggerAuthentication" -}}
{{- end -}}
{{- if gt (len $clouds) 1 -}}
{{- fail "keda.authenticationRef: routes on SQS and on Pub/Sub need one each: give keda.triggers" -}}
{{- end -}}
{{- range $routes -}}
{{- if eq .receiver "nats" }}
- {{ include "carrier.kedaNATS" (dict "context" $ "route" .) | nindent 2 | trim }}
  {{- if and $.Values.keda.authenticationRef (not $clouds) }}
  authenticationRef:
    {{- toYaml $.Values.keda.authenticationRef | nindent 4 }}
  {{- end }}
{{- else if ne .receiver "ingest" }}
- {{ include (eq .receiver "sqs" | ternary "carrier.kedaSQS" "carrier.kedaPubSub") (dict "context" $ "route" .) | nindent 2 | trim }}
  authenticationRef:
    {{- toYaml $.Values.keda.authenticationRef | nindent 4 }}
{{- end }}
{{- end }}
{{- if has "ingest" $receivers }}
- {{ include "carrier.kedaIngest" . | nindent 2 | trim }}
  {{- if and .Values.keda.authenticationRef (not $clouds) }}
  authenticationRef:
    {{- toYaml .Values.keda.authenticationRef | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* dict "context" . "route" ROUTE: for how many of its messages there is to be a pod. */}}
{{- define "carrier.kedaTarget" -}}
{{- include "carrier.value" (.context.Values.keda.messagesPerReplica | default .route.config.CARRIER_CONCURRENCY | default 1) -}}
{{- end }}

{{/* Messages that are deferred or back off are in flight to SQS; they count, like those
     that are worked on. */}}
{{- define "carrier.kedaSQS" -}}
{{- $config := .route.config -}}
{{- $queue := $config.CARRIER_SQS_QUEUE_URL | default $config.CARRIER_SQS_QUEUE_NAME -}}
{{- $region := regexReplaceAll "^https?://sqs\\.([a-z0-9-]+)\\..*$" (regexFind "^https?://sqs\\.[a-z0-9-]+\\..*$" (toString $queue)) "${1}" -}}
{{- range .context.Values.sidecar.env -}}
{{- if eq .name "AWS_REGION" -}}{{- $region = .value | default $region -}}{{- end -}}
{{- end -}}
type: aws-sqs-queue
{{- with .route.name }}
name: {{ . }}
{{- end }}
metadata:
  queueURL: {{ required "keda.enabled: config has neither CARRIER_SQS_QUEUE_URL nor CARRIER_SQS_QUEUE_NAME" $queue | quote }}
  awsRegion: {{ required "keda.enabled: the queue's region is not known: give AWS_REGION in sidecar.env" (.context.Values.keda.awsRegion | default $region) | quote }}
  {{- with $config.CARRIER_SQS_ENDPOINT }}
  awsEndpoint: {{ . | quote }}
  {{- end }}
  queueLength: {{ include "carrier.kedaTarget" . | quote }}
  scaleOnInFlight: "true"
{{- end }}

{{/* Cloud Monitoring answers PromQL; KEDA's own scaler for Pub/Sub is deprecated. No answer
     is no reason to scale in. */}}
{{- define "carrier.kedaPubSub" -}}
{{- $config := .route.config -}}
{{- $parts := splitList "/" (toString ($config.CARRIER_PUBSUB_SUBSCRIPTION | default "")) -}}
{{- $project := .context.Values.keda.googleProject | default $config.CARRIER_PUBSUB_PROJECT -}}
{{- if eq (len $parts) 4 -}}{{- $project = $project | default (index $parts 1) -}}{{- end -}}
type: prometheus
{{- with .route.name }}
name: {{ . }}
{{- end }}
metadata:
  serverAddress: {{ .context.Values.keda.serverAddress | default (printf "https://monitoring.googleapis.com/v1/projects/%s/location/global/prometheus" (required "keda.enabled: the subscription's project is not known: give config.CARRIER_PUBSUB_PROJECT" $project)) | quote }}
  query: {{ printf "sum(pubsub_googleapis_com:subscription_num_undelivered_messages{monitored_resource=\"pubsub_subscription\",subscription_id=\"%s\"})" (last $parts) | quote }}
  threshold: {{ include "carrier.kedaTarget" . | quote }}
  ignoreNullValues: "false"
{{- end }}

{{/* KEDA asks the monitoring port of the server. What waits for an acknowledgement counts, also
     what is deferred or backs off. */}}
{{- define "carrier.kedaNATS" -}}
{{- $config := .route.config -}}
{{- $keda := .context.Values.keda -}}
type: nats-jetstream
{{- with .route.name }}
name: {{ . }}
{{- end }}
metadata:
  natsServerMonitoringEndpoint: {{ required "keda.natsMonitoring: KEDA asks the monitoring port of the NATS server: name it, such as nats.nats.svc:8222" $keda.natsMonitoring | quote }}
  account: {{ $keda.natsAccount | quote }}
  stream: {{ required "keda.enabled: config has no CARRIER_NATS_STREAM" $config.CARRIER_NATS_STREAM | quote }}
  consumer: {{ required "keda.enabled: config has no CARRIER_NATS_CONSUMER" $config.CARRIER_NATS_CONSUMER | quote }}
  lagThreshold: {{ include "carrier.kedaTarget" . | quote }}
  useHttps: "false"
{{- end }}

{{- define "carrier.kedaIngest" -}}
type: prometheus
metadata:
  serverAddress: {{ required "keda.serverAddress: ingest is scaled on carrier's own metric: say where your Prometheus is" .Values.keda.serverAddress | quote }}
  query: {{ printf "sum(carrier_ingest_queue_messages{namespace=\"%s\",pod=~\"%s-[0-9]+\"})" .Release.Namespace (include "carrier.scaleTargetName" .) | quote }}
  threshold: {{ include "carrier.value" (.Values.keda.messagesPerReplica | default 1000) | quote }}
  ignoreNullValues: "false"
{{- end }}
