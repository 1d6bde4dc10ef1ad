{{/* What all pods have in common. */}}
{{- define "soundstage.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Settings that servers and workers share. */}}
{{- define "soundstage.environment" -}}
- name: SOUNDSTAGE_MODEL
  value: {{ .Values.model | quote }}
- name: SOUNDSTAGE_S3_BUCKET
  value: {{ .Values.s3.bucket | quote }}
- name: SOUNDSTAGE_S3_REGION
  value: {{ .Values.s3.region | quote }}
{{- with .Values.s3.endpoint }}
- name: SOUNDSTAGE_S3_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end -}}
