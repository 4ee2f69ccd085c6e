{{/* The pod of the chart's own workload. */}}
{{- define "carrier.podTemplate" -}}
{{- include "carrier.checkIdle" . -}}
{{- $job := include "carrier.isJob" . -}}
metadata:
  labels:
    {{- include "carrier.labels" . | nindent 4 }}
    {{- with .Values.pod.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: worker
    {{- with .Values.pod.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- if $job }}
  restartPolicy: Never
  {{- end }}
  terminationGracePeriodSeconds: {{ include "carrier.terminationGracePeriodSeconds" . }}
  serviceAccountName: {{ include "carrier.serviceAccountName" . }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automountToken }}
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.pod.securityContext | nindent 4 }}
  {{- if or $job .Values.sidecar.native .Values.pod.initContainers }}
  initContainers:
    {{- if $job }}
    {{- include "carrier.worker" . | nindent 4 }}
    {{- else if .Values.sidecar.native }}
    {{- include "carrier.nativeSidecar" . | nindent 4 }}
    {{- end }}
    {{- with .Values.pod.initContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  containers:
    {{- if not $job }}
    {{- include "carrier.worker" . | nindent 4 }}
    {{- end }}
    {{- if or $job (not .Values.sidecar.native) }}
    {{- include "carrier.container" . | nindent 4 }}
    {{- end }}
    {{- with .Values.pod.containers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with (printf "%s\n%s" (include "carrier.volumes" . | trim) (empty .Values.pod.volumes | ternary "" (toYaml .Values.pod.volumes))) | trim }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
  {{- range $field := list "nodeSelector" "affinity" "tolerations" "topologySpreadConstraints" "hostAliases" "dnsConfig" }}
  {{- with index $.Values.pod $field }}
  {{ $field }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- range $field := list "priorityClassName" "runtimeClassName" "schedulerName" }}
  {{- with index $.Values.pod $field }}
  {{ $field }}: {{ . }}
  {{- end }}
  {{- end }}
{{- end }}

{{- define "carrier.worker" -}}
{{- $worker := .Values.worker -}}
- name: worker
  image: {{ include "carrier.image" (dict "image" $worker.image "tag" "latest" "name" "worker.image") | quote }}
  {{- with $worker.image.pullPolicy }}
  imagePullPolicy: {{ . }}
  {{- end }}
  {{- range $field := list "command" "args" "env" "envFrom" "ports" "resources" "startupProbe" "livenessProbe" "readinessProbe" "securityContext" "volumeMounts" }}
  {{- with index $worker $field }}
  {{ $field }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- if include "carrier.isJob" . }}
  restartPolicy: Always
  {{- else }}
  {{- with include "carrier.workerPreStop" . }}
  lifecycle:
    preStop:
      {{- . | nindent 6 }}
  {{- end }}
  {{- end }}
{{- end }}
