{{/* The action of a preStop hook that drains carrier, in either container: both hooks
     start at once, and /drain answers each of them when the drain is over. Without the
     header, or a token, /drain answers 403. */}}
{{- define "carrier.drainHook" -}}
httpGet:
  path: /drain
  port: {{ required "config.CARRIER_ADMIN_ADDRESS is empty, so that no hook can drain carrier: set worker.preStop to sleep or none" (include "carrier.adminPort" .) }}
  httpHeaders:
    - name: X-Carrier-Drain
      value: "yes"
    {{- with include "carrier.adminToken" . }}
    - name: Authorization
      value: {{ printf "Bearer %s" . | quote }}
    {{- end }}
{{- end }}

{{/* CARRIER_ADMIN_TOKEN as the hooks have to send it. The API has no reference to a
     Secret in a hook's header, so that the token itself stands in the pod's
     specification; it is read from the cluster, and stands in no values. */}}
{{- define "carrier.adminToken" -}}
{{- $without := "set sidecar.native to false and worker.preStop to sleep, which needs no token" -}}
{{- if .Values.config.CARRIER_ADMIN_TOKEN_FILE -}}
{{- fail (printf "config.CARRIER_ADMIN_TOKEN_FILE: the hooks that drain cannot read a file: give secrets.CARRIER_ADMIN_TOKEN, or %s" $without) -}}
{{- end -}}
{{- with .Values.secrets.CARRIER_ADMIN_TOKEN -}}
{{- $secret := lookup "v1" "Secret" $.Release.Namespace .name -}}
{{- $token := dig "data" .key "" $secret | b64dec -}}
{{- if not $token -}}
{{- fail (printf "secrets.CARRIER_ADMIN_TOKEN: the hooks that drain must send the token, and the cluster has no key %s in a Secret %s, or was not asked (helm template, most GitOps tools); create it first, or %s" .key .name $without) -}}
{{- end -}}
{{- $token -}}
{{- end -}}
{{- end }}

{{/* A duration as Go writes it, in whole seconds, rounded up. */}}
{{- define "carrier.seconds" -}}
{{- $begin := toDate "2006-01-02" "2000-01-01" -}}
{{- $end := $begin | mustDateModify (toString .) | mustDateModify "999999999ns" -}}
{{- sub (unixEpoch $end) (unixEpoch $begin) -}}
{{- end }}

{{/* How long carrier may take from the begin of a drain to its end: the drain timeout and
     five seconds to settle. */}}
{{- define "carrier.drainSeconds" -}}
{{- add (include "carrier.seconds" (.Values.config.CARRIER_DRAIN_TIMEOUT | default "20s")) 5 -}}
{{- end }}

{{/* A pod's terminationGracePeriodSeconds: carrier's drain, and then the application's own
     end. */}}
{{- define "carrier.terminationGracePeriodSeconds" -}}
{{- $least := add (include "carrier.drainSeconds" .) .Values.worker.shutdownSeconds | int64 -}}
{{- $given := .Values.pod.terminationGracePeriodSeconds | int64 -}}
{{- if and (gt $given 0) (lt $given $least) -}}
{{- fail (printf "pod.terminationGracePeriodSeconds is %d: the drain (%s s) and worker.shutdownSeconds need %d" $given (include "carrier.drainSeconds" .) $least) -}}
{{- end -}}
{{- max $given $least -}}
{{- end }}

{{/* The preStop action of the application, which has to outlive the drain. */}}
{{- define "carrier.workerPreStop" -}}
{{- if eq .Values.worker.preStop "drain" -}}
{{- include "carrier.drainHook" . -}}
{{- else if eq .Values.worker.preStop "sleep" -}}
{{- if semverCompare "<1.30.0-0" .Capabilities.KubeVersion.Version -}}
{{- fail "worker.preStop sleep needs Kubernetes 1.30" -}}
{{- end -}}
sleep:
  seconds: {{ include "carrier.drainSeconds" . }}
{{- end -}}
{{- end }}
