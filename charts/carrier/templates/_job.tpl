{{/* Something where the pods are those of a ScaledJob, else nothing. carrier is the main container
     there and the worker the native sidecar: a job is over when its main container has ended, and
     the worker is sent SIGTERM after that. So no hook has to wait for the drain. */}}
{{- define "carrier.isJob" -}}
{{- if and .Values.workload.enabled (eq .Values.workload.kind "ScaledJob") -}}true{{- end -}}
{{- end }}

{{/* Refuses what no job can have. */}}
{{- define "carrier.checkJob" -}}
{{- if not .Values.keda.enabled -}}
{{- fail "workload.kind ScaledJob: KEDA makes the jobs: set keda.enabled" -}}
{{- end -}}
{{- if .Values.autoscaling.enabled -}}
{{- fail "autoscaling.enabled: KEDA says how many jobs of a ScaledJob there are" -}}
{{- end -}}
{{- if .Values.podDisruptionBudget.enabled -}}
{{- fail "podDisruptionBudget.enabled: Kubernetes knows no budget for the pods of jobs" -}}
{{- end -}}
{{- if include "carrier.ingests" . -}}
{{- fail "workload.kind ScaledJob: between two jobs nobody would answer the producers of ingest; jobs take messages from SQS, Pub/Sub or NATS" -}}
{{- end -}}
{{- if semverCompare "<1.29.0-0" .Capabilities.KubeVersion.Version -}}
{{- fail "workload.kind ScaledJob needs Kubernetes 1.29: the worker is a native sidecar" -}}
{{- end -}}
{{- end }}

{{/* Refuses a carrier that ends by itself where its pod would start it again. */}}
{{- define "carrier.checkIdle" -}}
{{- if and .Values.workload.enabled .Values.config.CARRIER_EXIT_WHEN_IDLE (not (include "carrier.isJob" .)) -}}
{{- fail "config.CARRIER_EXIT_WHEN_IDLE is for jobs: this pod would start carrier again; set workload.kind to ScaledJob" -}}
{{- end -}}
{{- end }}
