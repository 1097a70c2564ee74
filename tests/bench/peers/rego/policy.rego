# SPDX-License-Identifier: Apache-2.0
# The blockers of a migration that one object tells, with its claims: far fewer questions than migvet asks, and none about
# nodes, quotas, versions or settings. The input is an AdmissionReview, or a manifest. data.instances and data.claims are
# those of the cluster, by namespace and name.
package system

object := input.request.object if input.request

object := input if not input.request

namespace := object.metadata.namespace

spec := object.spec.template.spec if object.kind == "VirtualMachine"

spec := data.instances[namespace][object.spec.vmiName].spec if object.kind == "VirtualMachineInstanceMigration"

# Access modes of claims, by the volume's name.
modes[volume.name] := data.claims[namespace][volume.persistentVolumeClaim.claimName] if some volume in spec.volumes

modes[volume.name] := template.spec.storage.accessModes if {
	some volume in spec.volumes
	some template in object.spec.dataVolumeTemplates
	template.metadata.name == volume.dataVolume.name
}

blockers contains sprintf("pvc-access-mode: volume %s is not ReadWriteMany", [name]) if {
	some name, some_modes in modes
	not "ReadWriteMany" in some_modes
}

blockers contains sprintf("pod-network-binding: interface %s", [interface.name]) if {
	some interface in spec.domain.devices.interfaces
	not interface.masquerade
	interface.bridge
	some network in spec.networks
	network.name == interface.name
	network.pod
}

blockers contains sprintf("sriov: interface %s", [interface.name]) if {
	some interface in spec.domain.devices.interfaces
	interface.sriov
}

blockers contains "host-device" if count(spec.domain.devices.hostDevices) > 0

blockers contains "gpu" if count(spec.domain.devices.gpus) > 0

blockers contains sprintf("host-disk: volume %s", [volume.name]) if {
	some volume in spec.volumes
	volume.hostDisk
}

blockers contains sprintf("virtiofs: %s", [filesystem.name]) if {
	some filesystem in spec.domain.devices.filesystems
	filesystem.virtiofs
}

blockers contains "hyperv-passthrough" if spec.domain.features.hypervPassthrough.enabled

blockers contains "sev" if spec.domain.launchSecurity.sev

blockers contains "tdx" if spec.domain.launchSecurity.tdx

main := {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}

response := {"uid": input.request.uid, "allowed": true} if count(blockers) == 0

response := {
	"uid": input.request.uid, "allowed": false,
	"status": {"code": 403, "message": concat("; ", blockers)},
} if {
	count(blockers) > 0
}

# For manifests.
movable if count(blockers) == 0
