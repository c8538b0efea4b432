{{/* Prefix of the names of objects; 45 characters leave room for what is appended and for a pod's number and hash. */}}
{{- define "starling.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels of selectors: they never change. Call with (dict "root" $ "component" "peer"). */}}
{{- define "starling.selectorLabels" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* All labels of an object. */}}
{{- define "starling.labels" -}}
{{ include "starling.podLabels" . }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Labels of a pod: without the chart's version, or another chart alone would replace every pod. */}}
{{- define "starling.podLabels" -}}
{{ include "starling.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: starling
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* An image's name: the digest wins over the tag. Call with (dict "root" $ "image" .Values.peer.image). */}}
{{- define "starling.image" -}}
{{- if .image.digest -}}
{{ printf "%s@%s" .image.repository .image.digest }}
{{- else -}}
{{ printf "%s:%s" .image.repository (default .root.Chart.AppVersion .image.tag) }}
{{- end -}}
{{- end -}}

{{/* Full DNS name of a Service of this release. Call with (dict "root" $ "service" "starling"). */}}
{{- define "starling.fqdn" -}}
{{ printf "%s.%s.svc.%s" .service .root.Release.Namespace .root.Values.clusterDomain }}
{{- end -}}

{{/* Name of the mesh: two releases must not become one by chance. Peers take 63 characters. */}}
{{- define "starling.mesh" -}}
{{- default (printf "%s.%s" .Release.Namespace (include "starling.fullname" .)) .Values.mesh | trunc 63 -}}
{{- end -}}

{{/* Whether this rendering can look at a cluster: only a real one names its kinds, not just its API versions. */}}
{{- define "starling.sawCluster" -}}
{{- if .Capabilities.APIVersions.Has "apps/v1/StatefulSet" -}}yes{{- end -}}
{{- end -}}

{{/* Secret with the mesh's authority: tls.crt, tls.key, and ca.crt for what else is trusted. */}}
{{- define "starling.authoritySecret" -}}
{{- if eq .Values.tls.mode "existingSecret" -}}
{{- required "tls.mode existingSecret needs tls.existingSecret" .Values.tls.existingSecret -}}
{{- else -}}
{{- printf "%s-authority" (include "starling.fullname" .) -}}
{{- end -}}
{{- end -}}

{{/* Which key of that Secret clients trust. cert-manager renews the authority with another key: who trusts its root is not cut off. */}}
{{- define "starling.trustedKey" -}}
{{- ternary "ca.crt" "tls.crt" (eq .Values.tls.mode "certManager") -}}
{{- end -}}

{{/* Refuses one of the two Secrets without the other. */}}
{{- define "starling.checkTokens" -}}
{{- if ne (empty .Values.auth.existingTokensSecret) (empty .Values.auth.existingHashesSecret) -}}
{{- fail "auth.existingTokensSecret and auth.existingHashesSecret belong together: set both or neither" -}}
{{- end -}}
{{- end -}}

{{/* Secret with the tokens in clear. */}}
{{- define "starling.tokensSecret" -}}
{{- include "starling.checkTokens" . -}}
{{- default (printf "%s-tokens" (include "starling.fullname" .)) .Values.auth.existingTokensSecret -}}
{{- end -}}

{{/* Secret with the tokens' hashes. */}}
{{- define "starling.hashesSecret" -}}
{{- include "starling.checkTokens" . -}}
{{- default (printf "%s-token-hashes" (include "starling.fullname" .)) .Values.auth.existingHashesSecret -}}
{{- end -}}

{{/* DNS names under which clients reach peers: the Service's, short and long, and each pod's. */}}
{{- define "starling.serviceNames" -}}
{{- $service := include "starling.fullname" . -}}
{{- $ns := .Release.Namespace -}}
{{- concat (list $service (printf "%s.%s" $service $ns) (printf "%s.%s.svc" $service $ns) (include "starling.fqdn" (dict "root" . "service" $service))) .Values.tls.extraNames | join "," -}}
{{- end -}}
