{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* What both webhook configurations are made of. */}}

{{- define "migvet.webhookAnnotations" -}}
{{- if eq .Values.certificates.mode "certManager" }}
cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "migvet.fullname" . }}
{{- end }}
{{- with .Values.webhooks.annotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Without caBundle, unless it is given: who fills it in (migvet itself, or cert-manager) must find it as it was after
an upgrade or a rollback, and what a manifest does not say stays. */}}
{{- define "migvet.clientConfig" -}}
{{- $root := .root -}}
clientConfig:
  service:
    namespace: {{ $root.Release.Namespace }}
    name: {{ include "migvet.fullname" $root }}
    port: {{ $root.Values.service.port }}
    path: {{ .path }}
  {{- if and (eq $root.Values.certificates.mode "provided") $root.Values.certificates.provided.caBundle }}
  caBundle: {{ $root.Values.certificates.provided.caBundle | b64enc }}
  {{- end }}
{{- end }}

{{/* A webhook but for its rules: dict of root, name, path, failurePolicy, sideEffects. */}}
{{- define "migvet.webhook" -}}
name: {{ .name }}
admissionReviewVersions: [v1]
{{ include "migvet.clientConfig" . }}
failurePolicy: {{ .failurePolicy }}
matchPolicy: Equivalent
sideEffects: {{ .sideEffects }}
timeoutSeconds: {{ .root.Values.webhooks.timeoutSeconds }}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values:
        {{- concat (list "kube-system" .root.Values.kubevirt.namespace .root.Release.Namespace) .root.Values.webhooks.excludedNamespaces | uniq | toYaml | nindent 8 }}
    {{- with .root.Values.webhooks.matchExpressions }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* CEL: whoever asks is one of KubeVirt's controllers or an account of kube-system. They are never denied. What acts
for people, such as kubevirt-apiserver, is not among them. */}}
{{- define "migvet.isController" -}}
{{- $prefix := printf "system:serviceaccount:%s:kubevirt-" .Values.kubevirt.namespace -}}
(request.userInfo.username in ["{{ $prefix }}controller", "{{ $prefix }}handler", "{{ $prefix }}synchronization-controller"] || request.userInfo.username.startsWith("system:serviceaccount:kube-system:"))
{{- end }}

{{/* CEL: the object is an instance that a VM controls: a VM that must be able to start again. */}}
{{- define "migvet.isControlledByVM" -}}
(request.resource.resource == "virtualmachineinstances" && object.metadata.?ownerReferences.orValue([]).exists(owner, owner.kind == "VirtualMachine" && owner.?controller.orValue(false)))
{{- end }}

{{- define "migvet.condition.person" -}}
- name: by-a-person
  expression: >-
    !{{ include "migvet.isController" . }}
{{- end }}

{{/* Status writes, finalizers and the like are not worth a call. */}}
{{- define "migvet.condition.specChanged" -}}
- name: spec-changed
  expression: >-
    request.operation != "UPDATE" || !has(oldObject.spec) || !has(object.spec) || object.spec != oldObject.spec
- name: not-being-deleted
  expression: "!has(object.metadata.deletionTimestamp)"
{{- end }}

{{/* Not empty: what controllers create is reviewed, too. */}}
{{- define "migvet.reviewsControllers" -}}
{{- if or .Values.webhooks.controllers (eq (toString (default "allow" .Values.config.vmStart)) "deny") }}true{{ end }}
{{- end }}
