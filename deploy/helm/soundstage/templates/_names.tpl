{{- define "soundstage.name" -}}
{{- $own := ternary .Release.Name (printf "%s-soundstage" .Release.Name) (contains "soundstage" .Release.Name) -}}
{{- $own | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "soundstage.selector" -}}
app.kubernetes.io/name: soundstage
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "soundstage.labels" -}}
{{ include "soundstage.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "soundstage.secretName" -}}
{{- .Values.existingSecret | default (include "soundstage.name" .) -}}
{{- end -}}

{{- define "soundstage.weightsClaim" -}}
{{- .Values.weights.existingClaim | default (printf "%s-weights" (include "soundstage.name" .)) -}}
{{- end -}}

{{- define "soundstage.needsWeights" -}}
{{- if ne .Values.model "nano" }}yes{{ end -}}
{{- end -}}

{{- define "soundstage.publicUrl" -}}
{{- if .Values.server.publicUrl -}}
{{- .Values.server.publicUrl -}}
{{- else if .Values.ingress.enabled -}}
{{- printf "%s://%s" (ternary "https" "http" (ne .Values.ingress.tlsSecret "")) .Values.ingress.host -}}
{{- end -}}
{{- end -}}
