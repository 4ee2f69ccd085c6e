{{/* Every template here takes the chart's own context: "." in this chart,
     .Subcharts.carrier in a chart that depends on it. */}}

{{- define "carrier.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* Shorter than the 63 characters of a label, so that suffixes fit. */}}
{{- define "carrier.fullname" -}}
{{- $name := include "carrier.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "carrier.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "carrier.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What selects the pods: the chart's own, or those of the chart that includes the
     templates. */}}
{{- define "carrier.selectorLabels" -}}
{{- if .Values.workload.enabled -}}
app.kubernetes.io/name: {{ include "carrier.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- else -}}
{{- if not .Values.workload.selectorLabels -}}
{{- fail "workload.selectorLabels: with workload.enabled false, say which labels your pods have" -}}
{{- end -}}
{{- toYaml .Values.workload.selectorLabels -}}
{{- end -}}
{{- end }}

{{/* Deployment or StatefulSet: of the chart's own workload, or of the one that includes the
     templates, whose kind has to be said. */}}
{{- define "carrier.workloadKind" -}}
{{- if ne .Values.workload.kind "auto" -}}
{{- .Values.workload.kind -}}
{{- else if and .Values.workload.enabled (eq (include "carrier.persistent" .) "true") (not .Values.persistence.existingClaim) -}}
StatefulSet
{{- else -}}
Deployment
{{- end -}}
{{- end }}

{{- define "carrier.serviceAccountName" -}}
{{- if eq (include "carrier.serviceAccountCreated" .) "true" -}}
{{- .Values.serviceAccount.name | default (include "carrier.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end }}

{{- define "carrier.serviceAccountCreated" -}}
{{- include "carrier.auto" (list .Values.serviceAccount.create .Values.workload.enabled) -}}
{{- end }}

{{/* list SWITCH DEFAULT: a switch is true, false, or "auto" for the default. */}}
{{- define "carrier.auto" -}}
{{- if eq (toString (first .)) "auto" -}}{{ last . }}{{- else -}}{{ first . }}{{- end -}}
{{- end }}

{{/* dict "image" VALUES "tag" DEFAULT "name" PATH-IN-VALUES */}}
{{- define "carrier.image" -}}
{{- $repository := required (printf "%s.repository: say which image to run" .name) .image.repository -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (.image.tag | default .tag) -}}
{{- end -}}
{{- end }}

{{/* Whether something else sets the number of replicas. */}}
{{- define "carrier.scaled" -}}
{{- or (.Values.autoscaling | default dict).enabled (.Values.keda | default dict).enabled | default false -}}
{{- end }}
