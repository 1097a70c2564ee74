{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{- define "migvet.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* 45 characters leave room for the longest suffix, and for a pod's hash. */}}
{{- define "migvet.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" }}
{{- else if contains (include "migvet.name" .) .Release.Name }}
{{- .Release.Name | trunc 45 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "migvet.name" .) | trunc 45 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What never changes in the life of a release: the Deployment selects by it. */}}
{{- define "migvet.selectorLabels" -}}
app.kubernetes.io/name: {{ include "migvet.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end }}

{{- define "migvet.commonLabels" -}}
app.kubernetes.io/name: {{ include "migvet.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: migvet
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "migvet.labels" -}}
{{ include "migvet.commonLabels" . }}
app.kubernetes.io/component: webhook
{{- end }}

{{- define "migvet.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "migvet.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "migvet.image" -}}
{{- with .Values.image.registry }}{{ . }}/{{ end }}{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}
{{- else }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{- define "migvet.isOpenshift" -}}
{{- if eq (toString .Values.openshift) "auto" }}
{{- if .Capabilities.APIVersions.Has "security.openshift.io/v1" }}true{{ end }}
{{- else if eq (toString .Values.openshift) "true" }}true
{{- end }}
{{- end }}

{{- define "migvet.podSecurityContext" -}}
{{- if include "migvet.isOpenshift" . }}
{{- toYaml (omit .Values.podSecurityContext "runAsUser" "runAsGroup" "fsGroup") }}
{{- else }}
{{- toYaml .Values.podSecurityContext }}
{{- end }}
{{- end }}

{{/* The Secret that holds the certificate, or in mode secret the CA. */}}
{{- define "migvet.certsSecret" -}}
{{- if eq .Values.certificates.mode "provided" }}
{{- required "certificates.provided.secretName is needed with certificates.mode=provided" .Values.certificates.provided.secretName }}
{{- else if eq .Values.certificates.mode "certManager" }}
{{- printf "%s-tls" (include "migvet.fullname" .) }}
{{- else }}
{{- default (printf "%s-certs" (include "migvet.fullname" .)) .Values.certificates.secret.name }}
{{- end }}
{{- end }}

{{/* Not empty: migvet itself keeps the caBundle of the webhook configurations right. */}}
{{- define "migvet.keepsCABundle" -}}
{{- if or (eq .Values.certificates.mode "secret")
          (and (eq .Values.certificates.mode "provided") (not .Values.certificates.provided.caBundle)) }}true{{ end }}
{{- end }}

{{- define "migvet.serviceHost" -}}
{{ include "migvet.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{/* The API group of the reports that migvet may write, or none: what config says, where the value itself does not. */}}
{{- define "migvet.reports" -}}
{{- $api := default "openreports.io/v1alpha1" (dig "reports" "api" "" .Values.config) }}
{{- default (splitList "/" $api | first) .Values.rbac.reports }}
{{- end }}
