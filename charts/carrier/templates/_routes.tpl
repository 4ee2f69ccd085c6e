{{/* What carrier is given, as JSON: config and secrets by the names of the environment, those of the
     routes under their prefix. */}}
{{- define "carrier.given" -}}
{{- $config := deepCopy .Values.config -}}
{{- $secrets := deepCopy .Values.secrets -}}
{{- $names := list -}}
{{- range .Values.routes -}}
{{- $prefix := include "carrier.routePrefix" .name -}}
{{- range $name, $value := .config -}}
{{- $_ := set $config (printf "%s%s" $prefix (trimPrefix "CARRIER_" $name)) $value -}}
{{- end -}}
{{- range $name, $from := .secrets -}}
{{- $_ := set $secrets (printf "%s%s" $prefix (trimPrefix "CARRIER_" $name)) $from -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- if $names -}}
{{- include "carrier.checkRouteNames" $names -}}
{{- $_ := set $config "CARRIER_ROUTES" (join "," $names) -}}
{{- end -}}
{{- if and (include "carrier.isJob" .) (not $config.CARRIER_EXIT_WHEN_IDLE) -}}
{{- $_ := set $config "CARRIER_EXIT_WHEN_IDLE" "30s" -}}
{{- end -}}
{{- dict "config" $config "secrets" $secrets | toJson -}}
{{- end }}

{{/* What the variables of the route of this name begin with. */}}
{{- define "carrier.routePrefix" -}}
{{- printf "CARRIER_ROUTE_%s_" (. | upper | replace "-" "_") -}}
{{- end }}

{{- define "carrier.checkRouteNames" -}}
{{- $names := . -}}
{{- range $i, $name := $names -}}
{{- range $j, $other := $names -}}
{{- if and (ne $i $j) (hasPrefix (include "carrier.routePrefix" $name) (include "carrier.routePrefix" $other)) -}}
{{- fail (printf "routes: %s and %s: the variables of one would begin like the other's; rename one" $name $other) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The routes that receive messages, as carrier sees them, as JSON: the name, the receiver, and the
     configuration that is in effect. Without routes there is one, without a name. A route that
     another names in CARRIER_FALLBACK receives none. */}}
{{- define "carrier.routing" -}}
{{- $process := .Values.config -}}
{{- $fallbacks := list -}}
{{- range .Values.routes -}}
{{- $named := .config | default dict | dig "CARRIER_FALLBACK" "" | default ($process.CARRIER_FALLBACK | default "") -}}
{{- range splitList "," (toString $named) -}}{{- $fallbacks = append $fallbacks (trim .) -}}{{- end -}}
{{- end -}}
{{- $all := list -}}
{{- range .Values.routes -}}
{{- if not (has .name $fallbacks) -}}
{{- $own := dict -}}
{{- range $name, $value := .config -}}
{{- if ne (toString ($value | default "")) "" -}}{{- $_ := set $own $name $value -}}{{- end -}}
{{- end -}}
{{- $sources := pick $process "CARRIER_SQS_QUEUE_NAME" "CARRIER_SQS_QUEUE_URL" "CARRIER_PUBSUB_SUBSCRIPTION" "CARRIER_NATS_CONSUMER" -}}
{{- $found := include "carrier.inferred" $own | default (include "carrier.inferred" $sources) | default "ingest" -}}
{{- $config := mergeOverwrite (deepCopy $process) $own -}}
{{- $all = append $all (dict "name" .name "config" $config "receiver" ($config.CARRIER_RECEIVER | default $found | lower)) -}}
{{- end -}}
{{- end -}}
{{- if not .Values.routes -}}
{{- $found := include "carrier.inferred" $process | default "ingest" -}}
{{- $all = list (dict "name" "" "config" $process "receiver" ($process.CARRIER_RECEIVER | default $found | lower)) -}}
{{- end -}}
{{- dict "routes" $all | toJson -}}
{{- end }}

{{/* The receiver that the variables in a map mean; nothing where none decides. */}}
{{- define "carrier.inferred" -}}
{{- $found := "" -}}
{{- range $name, $value := . -}}
{{- if ne (toString ($value | default "")) "" -}}
{{- if hasPrefix "CARRIER_SQS_" $name -}}{{- $found = "sqs" -}}{{- end -}}
{{- if hasPrefix "CARRIER_PUBSUB_" $name -}}{{- $found = "pubsub" -}}{{- end -}}
{{- if hasPrefix "CARRIER_NATS_" $name -}}{{- $found = "nats" -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- $found -}}
{{- end }}

{{/* Something where a route has carrier's own queue as its source, else nothing. */}}
{{- define "carrier.ingests" -}}
{{- range (include "carrier.routing" . | fromJson).routes -}}
{{- if eq .receiver "ingest" -}}true{{- end -}}
{{- end -}}
{{- end }}

{{/* Whether there is a queue file: not where the queue alone keeps producers' messages. */}}
{{- define "carrier.keepsFile" -}}
{{- if ne (toString .Values.config.CARRIER_INGEST_STORE) "queue" -}}
{{- include "carrier.ingests" . -}}
{{- end -}}
{{- end }}

{{/* Where messages come from, for people. */}}
{{- define "carrier.sources" -}}
{{- $said := list -}}
{{- range (include "carrier.routing" . | fromJson).routes -}}
{{- $said = append $said (eq .name "" | ternary (printf "receiver %s" .receiver) (printf "%s (receiver %s)" .name .receiver)) -}}
{{- end -}}
{{- if .Values.routes }}routes {{ end }}{{ join ", " $said -}}
{{- end }}
