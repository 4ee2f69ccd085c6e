{{/* A value as an environment variable holds it. Helm reads every number in YAML as a
     float, which would print a million as 1e+06. */}}
{{- define "carrier.value" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ printf "%.0f" . }}{{- else -}}{{ toString . }}{{- end -}}
{{- end }}

{{/* The port of the admin address; nothing where it is turned off. */}}
{{- define "carrier.adminPort" -}}
{{- $address := ":9010" -}}
{{- if hasKey .Values.config "CARRIER_ADMIN_ADDRESS" -}}
{{- $address = .Values.config.CARRIER_ADMIN_ADDRESS | default "" -}}
{{- end -}}
{{- regexFind "[0-9]+$" $address -}}
{{- end }}

{{/* The port producers post to; nothing where they cannot reach it from outside the pod. */}}
{{- define "carrier.ingestPort" -}}
{{- $address := .Values.config.CARRIER_INGEST_ADDRESS | default "127.0.0.1:8080" -}}
{{- if and (include "carrier.ingests" .) (not (regexMatch "^(127\\.[0-9.]+|localhost|\\[::1\\]):" $address)) -}}
{{- if not (or .Values.secrets.CARRIER_INGEST_TOKEN .Values.config.CARRIER_INGEST_TOKEN_FILE (eq (toString .Values.config.CARRIER_INGEST_ALLOW_ANONYMOUS) "true")) -}}
{{- fail "config.CARRIER_INGEST_ADDRESS is open to the cluster: give secrets.CARRIER_INGEST_TOKEN, or set config.CARRIER_INGEST_ALLOW_ANONYMOUS to true" -}}
{{- end -}}
{{- regexFind "[0-9]+$" $address -}}
{{- end -}}
{{- end }}

{{/* The Secret with which ingest serves HTTPS; nothing where it does not, or where the files
     are named in config. */}}
{{- define "carrier.ingestTLS" -}}
{{- with .Values.service.tlsSecret -}}
{{- if or $.Values.config.CARRIER_INGEST_TLS_CERT_FILE $.Values.config.CARRIER_INGEST_TLS_KEY_FILE -}}
{{- fail "service.tlsSecret and config.CARRIER_INGEST_TLS_CERT_FILE: give one of them" -}}
{{- end -}}
{{- if not (include "carrier.ingests" $) -}}
{{- fail "service.tlsSecret: carrier takes no messages over HTTP with this receiver" -}}
{{- end -}}
{{- . -}}
{{- end -}}
{{- end }}

{{/* How producers reach ingest. */}}
{{- define "carrier.ingestScheme" -}}
{{- if or (include "carrier.ingestTLS" .) .Values.config.CARRIER_INGEST_TLS_CERT_FILE -}}https{{- else -}}http{{- end -}}
{{- end }}

{{/* Whether the ingest queue lives on a volume that outlives the pod. */}}
{{- define "carrier.persistent" -}}
{{- if include "carrier.keepsFile" . -}}
{{- include "carrier.auto" (list .Values.persistence.enabled true) -}}
{{- else -}}
false
{{- end -}}
{{- end }}

{{/* The directory of the ingest queue, which has to be on the volume. */}}
{{- define "carrier.dataDir" -}}
{{- $mount := .Values.persistence.mountPath -}}
{{- $dir := .Values.config.CARRIER_INGEST_DATA_DIR | default (printf "%s/carrier-data" $mount) -}}
{{- if not (or (eq $dir $mount) (hasPrefix (printf "%s/" $mount) $dir)) -}}
{{- fail (printf "config.CARRIER_INGEST_DATA_DIR is %s, which is not within persistence.mountPath, %s" $dir $mount) -}}
{{- end -}}
{{- $dir -}}
{{- end }}

{{/* The environment: sidecar.env first, so that config may refer to it as $(NAME). */}}
{{- define "carrier.env" -}}
{{- $given := include "carrier.given" . | fromJson -}}
{{- with .Values.sidecar.env }}
{{ toYaml . }}
{{- end }}
{{- range $name, $value := $given.config }}
{{- if not (or (kindIs "invalid" $value) (eq $name "CARRIER_INGEST_DATA_DIR")) }}
- name: {{ $name }}
  value: {{ include "carrier.value" $value | quote }}
{{- end }}
{{- end }}
{{- if include "carrier.keepsFile" . }}
- name: CARRIER_INGEST_DATA_DIR
  value: {{ include "carrier.dataDir" . | quote }}
{{- end }}
{{- if include "carrier.ingestTLS" . }}
- name: CARRIER_INGEST_TLS_CERT_FILE
  value: /run/secrets/carrier-tls/tls.crt
- name: CARRIER_INGEST_TLS_KEY_FILE
  value: /run/secrets/carrier-tls/tls.key
{{- end }}
{{- range $name, $from := $given.secrets }}
{{- if hasKey $given.config (printf "%s_FILE" $name) }}
{{- fail (printf "secrets.%s and config.%s_FILE: give one of them" $name $name) }}
{{- end }}
{{- if $from.file }}
- name: {{ $name }}_FILE
  value: {{ printf "/run/secrets/carrier/%s" $name | quote }}
{{- else }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $from.name | quote }}
      key: {{ $from.key | quote }}
{{- end }}
{{- end }}
{{- end }}
