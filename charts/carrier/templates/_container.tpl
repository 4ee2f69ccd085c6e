{{/* carrier as a native sidecar: one item of a pod's initContainers. It starts before the
     application, and is sent SIGTERM when the application has ended. */}}
{{- define "carrier.nativeSidecar" -}}
{{- if semverCompare "<1.29.0-0" .Capabilities.KubeVersion.Version -}}
{{- fail "a native sidecar needs Kubernetes 1.29; sidecar.native false makes it a plain container" -}}
{{- end -}}
{{- if not (include "carrier.adminPort" .) -}}
{{- fail "config.CARRIER_ADMIN_ADDRESS is empty: a native sidecar is sent SIGTERM too late to drain, and without the admin port nothing tells it earlier; leave it at :9010, or set sidecar.native to false and worker.preStop to sleep" -}}
{{- end -}}
- name: {{ .Values.sidecar.name }}
  restartPolicy: Always
  {{- include "carrier.containerFields" . | nindent 2 }}
  lifecycle:
    preStop:
      {{- include "carrier.drainHook" . | nindent 6 }}
{{- end }}

{{/* carrier as a plain container: one item of a pod's containers. It is sent SIGTERM when
     the pod is to end, or after its preStop hook where it has one. In a job it has none. */}}
{{- define "carrier.container" -}}
- name: {{ .Values.sidecar.name }}
  {{- include "carrier.containerFields" . | nindent 2 }}
{{- if and (eq .Values.worker.preStop "drain") (include "carrier.adminPort" .) (not (include "carrier.isJob" .)) }}
  lifecycle:
    preStop:
      {{- include "carrier.drainHook" . | nindent 6 }}
{{- end }}
{{- end }}

{{- define "carrier.containerFields" -}}
{{- $admin := include "carrier.adminPort" . -}}
{{- $ingest := include "carrier.ingestPort" . -}}
image: {{ include "carrier.image" (dict "image" .Values.image "tag" .Chart.AppVersion "name" "image") | quote }}
{{- with .Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- with include "carrier.env" . | trim }}
env:
  {{- . | nindent 2 }}
{{- end }}
{{- with .Values.sidecar.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if or $admin $ingest }}
ports:
  {{- if $admin }}
  - name: carrier-admin
    containerPort: {{ $admin }}
  {{- end }}
  {{- if $ingest }}
  - name: carrier-ingest
    containerPort: {{ $ingest }}
  {{- end }}
{{- end }}
{{- if $admin }}
{{- /* A native sidecar's startup probe lets the application start, so that it must not
       wait for the application: /livez, never /readyz. */}}
startupProbe:
  httpGet:
    path: /livez
    port: {{ $admin }}
  {{- toYaml .Values.sidecar.startupProbe | nindent 2 }}
livenessProbe:
  httpGet:
    path: /livez
    port: {{ $admin }}
  {{- toYaml .Values.sidecar.livenessProbe | nindent 2 }}
readinessProbe:
  httpGet:
    path: /readyz
    port: {{ $admin }}
  {{- toYaml .Values.sidecar.readinessProbe | nindent 2 }}
{{- end }}
resources:
  {{- toYaml .Values.sidecar.resources | nindent 2 }}
securityContext:
  {{- toYaml .Values.sidecar.securityContext | nindent 2 }}
{{- with include "carrier.volumeMounts" . | trim }}
volumeMounts:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "carrier.volumeMounts" -}}
{{- if include "carrier.keepsFile" . }}
- name: carrier-data
  mountPath: {{ .Values.persistence.mountPath }}
{{- end }}
{{- if include "carrier.secretFiles" . }}
- name: carrier-secrets
  mountPath: /run/secrets/carrier
  readOnly: true
{{- end }}
{{- if include "carrier.ingestTLS" . }}
- name: carrier-tls
  mountPath: /run/secrets/carrier-tls
  readOnly: true
{{- end }}
{{- with .Values.sidecar.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The sources of the volume that holds the secrets given as files. */}}
{{- define "carrier.secretFiles" -}}
{{- range $name, $from := (include "carrier.given" . | fromJson).secrets }}
{{- if $from.file }}
- secret:
    name: {{ $from.name | quote }}
    items:
      - key: {{ $from.key | quote }}
        path: {{ $name }}
{{- end }}
{{- end }}
{{- end }}

{{/* The volumes the container mounts: items of a pod's volumes, or nothing. */}}
{{- define "carrier.volumes" -}}
{{- if and (include "carrier.keepsFile" .) (not (include "carrier.volumeClaimTemplates" .)) }}
- name: carrier-data
  {{- if eq (include "carrier.persistent" .) "true" }}
  persistentVolumeClaim:
    claimName: {{ .Values.persistence.existingClaim | default (include "carrier.fullname" .) }}
  {{- else }}
  emptyDir:
    {{- toYaml .Values.persistence.emptyDir | nindent 4 }}
  {{- end }}
{{- end }}
{{- with include "carrier.secretFiles" . | trim }}
- name: carrier-secrets
  projected:
    sources:
      {{- . | nindent 6 }}
{{- end }}
{{- with include "carrier.ingestTLS" . }}
- name: carrier-tls
  secret:
    secretName: {{ . | quote }}
{{- end }}
{{- end }}

{{/* The claim of each pod of a StatefulSet: items of its volumeClaimTemplates, or nothing. */}}
{{- define "carrier.volumeClaimTemplates" -}}
{{- if and (eq (include "carrier.persistent" .) "true") (eq (include "carrier.workloadKind" .) "StatefulSet") (not .Values.persistence.existingClaim) }}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    name: carrier-data
    {{- with .Values.persistence.annotations }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  spec:
    {{- include "carrier.claimSpec" . | nindent 4 }}
{{- end }}
{{- end }}

{{- define "carrier.claimSpec" -}}
accessModes:
  {{- toYaml .Values.persistence.accessModes | nindent 2 }}
{{- with .Values.persistence.storageClass }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ .Values.persistence.size }}
{{- end }}
