/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of KubeVirt's API, and of Kubernetes' and CDI's where it uses them: taken by reflection from
 * staging/src/kubevirt.io/api/core/v1 of KubeVirt main (d923fdb815). Required is only
 * what KubeVirt's mutating webhooks, which write the objects anew, do not fill in.
 */
#include "policy/object/shape.h"

#define ROW(key, shape, kind, pointer) \
        { key, shape, kind, pointer, false, sizeof(key) - 1 }
#define REQUIRED_ROW(key, shape, kind, pointer) \
        { key, shape, kind, pointer, true, sizeof(key) - 1 }
#define VALUE(key) ROW(key, NULL, MV_SHAPE_VALUE, false)
#define POINTER(key) ROW(key, NULL, MV_SHAPE_VALUE, true)
#define AMOUNT(key) ROW(key, NULL, MV_SHAPE_AMOUNT, false)
#define AMOUNT_POINTER(key) ROW(key, NULL, MV_SHAPE_AMOUNT, true)
#define OBJECT(key, shape) ROW(key, &(shape), MV_SHAPE_OBJECT, false)
#define OBJECT_POINTER(key, shape) ROW(key, &(shape), MV_SHAPE_OBJECT, true)
#define LIST(key, shape) ROW(key, &(shape), MV_SHAPE_LIST, false)
#define VALUES(key) ROW(key, NULL, MV_SHAPE_LIST, false)
#define MAP(key) ROW(key, NULL, MV_SHAPE_MAP, false)
#define AMOUNTS(key) ROW(key, NULL, MV_SHAPE_AMOUNTS, false)
#define ANY(key) ROW(key, NULL, MV_SHAPE_ANY, true)
#define REQUIRED_OBJECT_POINTER(key, shape) REQUIRED_ROW(key, &(shape), MV_SHAPE_OBJECT, true)
#define SHAPE_OF(name) \
        { name##_fields, sizeof name##_fields / sizeof name##_fields[0] }
#define SHAPE(name, ...)                                                      \
        static const struct mv_shape_field name##_fields[] = { __VA_ARGS__ }; \
        static const struct mv_shape name = SHAPE_OF(name);
#define PUBLIC_SHAPE(name, ...)                                               \
        static const struct mv_shape_field name##_fields[] = { __VA_ARGS__ }; \
        const struct mv_shape name = SHAPE_OF(name);

static const struct mv_shape nothing = { NULL, 0 };

/* clang-format off */
SHAPE(instancetype_matcher,
        VALUE("inferFromVolume"), POINTER("inferFromVolumeFailurePolicy"), VALUE("kind"), VALUE("name"),
        VALUE("revisionName"))
SHAPE(preference_matcher,
        VALUE("inferFromVolume"), POINTER("inferFromVolumeFailurePolicy"), VALUE("kind"), VALUE("name"),
        VALUE("revisionName"))
SHAPE(owner_reference,
        VALUE("apiVersion"), POINTER("blockOwnerDeletion"), POINTER("controller"), VALUE("kind"),
        VALUE("name"), VALUE("uid"))
SHAPE(managed_fields_entry,
        VALUE("apiVersion"), VALUE("fieldsType"), ANY("fieldsV1"), VALUE("manager"), VALUE("operation"),
        VALUE("subresource"), POINTER("time"))
SHAPE(object_meta,
        MAP("annotations"), VALUE("creationTimestamp"), POINTER("deletionGracePeriodSeconds"),
        POINTER("deletionTimestamp"), VALUES("finalizers"), VALUE("generateName"), VALUE("generation"),
        MAP("labels"), LIST("managedFields", managed_fields_entry), VALUE("name"), VALUE("namespace"),
        LIST("ownerReferences", owner_reference), VALUE("resourceVersion"), VALUE("selfLink"), VALUE("uid"))
SHAPE(resource_requirements, AMOUNTS("limits"), VALUE("overcommitGuestOverhead"), AMOUNTS("requests"))
SHAPE(cpu_feature, VALUE("name"), VALUE("policy"))
SHAPE(numa, OBJECT_POINTER("guestMappingPassthrough", nothing))
SHAPE(realtime, VALUE("mask"))
SHAPE(cpu,
        VALUE("cores"), VALUE("dedicatedCpuPlacement"), LIST("features", cpu_feature),
        VALUE("isolateEmulatorThread"), VALUE("maxSockets"), VALUE("model"), OBJECT_POINTER("numa", numa),
        OBJECT_POINTER("realtime", realtime), VALUE("sockets"), VALUE("threads"))
SHAPE(hugepages, VALUE("pageSize"))
SHAPE(reserved_overhead, AMOUNT_POINTER("addedOverhead"), POINTER("memLock"))
SHAPE(memory,
        AMOUNT_POINTER("guest"), OBJECT_POINTER("hugepages", hugepages), AMOUNT_POINTER("maxGuest"),
        OBJECT_POINTER("reservedOverhead", reserved_overhead))
SHAPE(machine, VALUE("type"))
SHAPE(bios, POINTER("useSerial"))
SHAPE(efi, POINTER("persistent"), POINTER("secureBoot"))
SHAPE(bootloader, OBJECT_POINTER("bios", bios), OBJECT_POINTER("efi", efi))
SHAPE(kernel_boot_container,
        VALUE("image"), VALUE("imagePullPolicy"), VALUE("imagePullSecret"), VALUE("initrdPath"),
        VALUE("kernelPath"))
SHAPE(kernel_boot, OBJECT_POINTER("container", kernel_boot_container), VALUE("kernelArgs"))
SHAPE(acpi, VALUE("msdmNameRef"), VALUE("slicNameRef"))
SHAPE(firmware,
        OBJECT_POINTER("acpi", acpi), OBJECT_POINTER("bootloader", bootloader),
        OBJECT_POINTER("kernelBoot", kernel_boot), VALUE("serial"), VALUE("uuid"))
SHAPE(clock_offset_utc, POINTER("offsetSeconds"))
SHAPE(hpet_timer, POINTER("present"), VALUE("tickPolicy"))
SHAPE(kvm_timer, POINTER("present"))
SHAPE(pit_timer, POINTER("present"), VALUE("tickPolicy"))
SHAPE(rtc_timer, POINTER("present"), VALUE("tickPolicy"), VALUE("track"))
SHAPE(hyperv_timer, POINTER("present"))
SHAPE(timer,
        OBJECT_POINTER("hpet", hpet_timer), OBJECT_POINTER("hyperv", hyperv_timer),
        OBJECT_POINTER("kvm", kvm_timer), OBJECT_POINTER("pit", pit_timer), OBJECT_POINTER("rtc", rtc_timer))
SHAPE(clock, OBJECT_POINTER("timer", timer), POINTER("timezone"), OBJECT_POINTER("utc", clock_offset_utc))
SHAPE(feature_state, POINTER("enabled"))
SHAPE(feature_apic, POINTER("enabled"), VALUE("endOfInterrupt"))
SHAPE(hyper_v_passthrough, POINTER("enabled"))
SHAPE(feature_spinlocks, POINTER("enabled"), POINTER("spinlocks"))
SHAPE(sy_nic_timer, OBJECT_POINTER("direct", feature_state), POINTER("enabled"))
SHAPE(feature_vendor_id, POINTER("enabled"), VALUE("vendorid"))
SHAPE(tlb_flush,
        OBJECT_POINTER("direct", feature_state), POINTER("enabled"),
        OBJECT_POINTER("extended", feature_state))
SHAPE(feature_hyperv,
        OBJECT_POINTER("evmcs", feature_state), OBJECT_POINTER("frequencies", feature_state),
        OBJECT_POINTER("ipi", feature_state), OBJECT_POINTER("reenlightenment", feature_state),
        OBJECT_POINTER("relaxed", feature_state), OBJECT_POINTER("reset", feature_state),
        OBJECT_POINTER("runtime", feature_state), OBJECT_POINTER("spinlocks", feature_spinlocks),
        OBJECT_POINTER("synic", feature_state), OBJECT_POINTER("synictimer", sy_nic_timer),
        OBJECT_POINTER("tlbflush", tlb_flush), OBJECT_POINTER("vapic", feature_state),
        OBJECT_POINTER("vendorid", feature_vendor_id), OBJECT_POINTER("vpindex", feature_state))
SHAPE(feature_kvm, VALUE("hidden"))
SHAPE(features,
        OBJECT("acpi", feature_state), OBJECT_POINTER("apic", feature_apic),
        OBJECT_POINTER("hyperv", feature_hyperv), OBJECT_POINTER("hypervPassthrough", hyper_v_passthrough),
        OBJECT_POINTER("kvm", feature_kvm), OBJECT_POINTER("pvspinlock", feature_state),
        OBJECT_POINTER("smm", feature_state))
SHAPE(disk_target, VALUE("bus"), VALUE("pciAddress"), VALUE("readonly"))
SHAPE(lun_target, VALUE("bus"), VALUE("readonly"), VALUE("reservation"))
SHAPE(cd_rom_target, VALUE("bus"), POINTER("readonly"), VALUE("tray"))
SHAPE(custom_block_size, POINTER("discardGranularity"), VALUE("logical"), VALUE("physical"))
SHAPE(block_size, OBJECT_POINTER("custom", custom_block_size), OBJECT_POINTER("matchVolume", feature_state))
SHAPE(disk,
        OBJECT_POINTER("blockSize", block_size), POINTER("bootOrder"), VALUE("cache"),
        OBJECT_POINTER("cdrom", cd_rom_target), POINTER("changedBlockTracking"), POINTER("dedicatedIOThread"),
        OBJECT_POINTER("disk", disk_target), POINTER("errorPolicy"), VALUE("io"),
        OBJECT_POINTER("lun", lun_target), VALUE("name"), VALUE("serial"), POINTER("shareable"), VALUE("tag"))
SHAPE(i6300_esb_watchdog, VALUE("action"))
SHAPE(diag288_watchdog, VALUE("action"))
SHAPE(watchdog,
        OBJECT_POINTER("diag288", diag288_watchdog), OBJECT_POINTER("i6300esb", i6300_esb_watchdog),
        VALUE("name"))
SHAPE(plugin_binding, VALUE("name"))
SHAPE(port, VALUE("name"), VALUE("port"), VALUE("protocol"))
SHAPE(port_range, VALUE("end"), VALUE("protocol"), VALUE("start"))
SHAPE(dhcp_private_options, VALUE("option"), VALUE("value"))
SHAPE(dhcp_options,
        VALUE("bootFileName"), VALUES("ntpServers"), LIST("privateOptions", dhcp_private_options),
        VALUE("tftpServerName"))
SHAPE(interface,
        VALUE("acpiIndex"), OBJECT_POINTER("binding", plugin_binding), POINTER("bootOrder"),
        OBJECT_POINTER("bridge", nothing), OBJECT_POINTER("dhcpOptions", dhcp_options), VALUE("macAddress"),
        OBJECT_POINTER("macvtap", nothing), OBJECT_POINTER("masquerade", nothing), VALUE("model"),
        VALUE("name"), OBJECT_POINTER("passt", nothing), OBJECT_POINTER("passtBinding", nothing),
        VALUE("pciAddress"), LIST("portRanges", port_range), LIST("ports", port),
        OBJECT_POINTER("slirp", nothing), OBJECT_POINTER("sriov", nothing), VALUE("state"), VALUE("tag"))
SHAPE(input, VALUE("bus"), VALUE("name"), VALUE("type"))
SHAPE(vgpu_display_options, POINTER("enabled"), OBJECT_POINTER("ramFB", feature_state))
SHAPE(vgpu_options, OBJECT_POINTER("display", vgpu_display_options))
SHAPE(gpu,
        VALUE("claimName"), VALUE("deviceName"), VALUE("name"), VALUE("requestName"), VALUE("tag"),
        OBJECT_POINTER("virtualGPUOptions", vgpu_options))
SHAPE(panic_device, POINTER("model"))
SHAPE(filesystem, VALUE("name"), OBJECT_POINTER("virtiofs", nothing))
SHAPE(host_device, VALUE("claimName"), VALUE("deviceName"), VALUE("name"), VALUE("requestName"), VALUE("tag"))
SHAPE(sound_device, VALUE("model"), VALUE("name"))
SHAPE(tpm_device, POINTER("enabled"), POINTER("persistent"))
SHAPE(video_device, VALUE("type"))
SHAPE(devices,
        POINTER("autoattachGraphicsDevice"), POINTER("autoattachInputDevice"),
        POINTER("autoattachMemBalloon"), POINTER("autoattachPodInterface"),
        POINTER("autoattachSerialConsole"), POINTER("autoattachVSOCK"), POINTER("blockMultiQueue"),
        OBJECT_POINTER("clientPassthrough", nothing), VALUE("disableHotplug"), LIST("disks", disk),
        OBJECT_POINTER("downwardMetrics", nothing), LIST("filesystems", filesystem), LIST("gpus", gpu),
        LIST("hostDevices", host_device), LIST("inputs", input), LIST("interfaces", interface),
        POINTER("logSerialConsole"), POINTER("networkInterfaceMultiqueue"),
        LIST("panicDevices", panic_device), OBJECT_POINTER("rng", nothing),
        OBJECT_POINTER("sound", sound_device), OBJECT_POINTER("tpm", tpm_device),
        POINTER("useVirtioTransitional"), OBJECT_POINTER("video", video_device),
        OBJECT_POINTER("watchdog", watchdog))
SHAPE(disk_io_threads, POINTER("supplementalPoolThreadCount"))
SHAPE(chassis, VALUE("asset"), VALUE("manufacturer"), VALUE("serial"), VALUE("sku"), VALUE("version"))
SHAPE(sev_policy, POINTER("encryptedState"))
SHAPE(sev,
        OBJECT_POINTER("attestation", nothing), VALUE("dhCert"), OBJECT_POINTER("policy", sev_policy),
        VALUE("session"))
SHAPE(launch_security,
        OBJECT_POINTER("sev", sev), OBJECT_POINTER("snp", nothing), OBJECT_POINTER("tdx", nothing))
SHAPE(domain_spec,
        OBJECT_POINTER("chassis", chassis), OBJECT_POINTER("clock", clock), OBJECT_POINTER("cpu", cpu),
        OBJECT("devices", devices), OBJECT_POINTER("features", features),
        OBJECT_POINTER("firmware", firmware), OBJECT_POINTER("ioThreads", disk_io_threads),
        POINTER("ioThreadsPolicy"), OBJECT_POINTER("launchSecurity", launch_security),
        OBJECT_POINTER("machine", machine), OBJECT_POINTER("memory", memory), POINTER("rebootPolicy"),
        OBJECT("resources", resource_requirements))
SHAPE(node_selector_requirement, VALUE("key"), VALUE("operator"), VALUES("values"))
SHAPE(node_selector_term,
        LIST("matchExpressions", node_selector_requirement), LIST("matchFields", node_selector_requirement))
SHAPE(node_selector, LIST("nodeSelectorTerms", node_selector_term))
SHAPE(preferred_scheduling_term, OBJECT("preference", node_selector_term), VALUE("weight"))
SHAPE(node_affinity,
        LIST("preferredDuringSchedulingIgnoredDuringExecution", preferred_scheduling_term),
        OBJECT_POINTER("requiredDuringSchedulingIgnoredDuringExecution", node_selector))
SHAPE(label_selector_requirement, VALUE("key"), VALUE("operator"), VALUES("values"))
SHAPE(label_selector, LIST("matchExpressions", label_selector_requirement), MAP("matchLabels"))
SHAPE(pod_affinity_term,
        OBJECT_POINTER("labelSelector", label_selector), VALUES("matchLabelKeys"),
        VALUES("mismatchLabelKeys"), OBJECT_POINTER("namespaceSelector", label_selector),
        VALUES("namespaces"), VALUE("topologyKey"))
SHAPE(weighted_pod_affinity_term, OBJECT("podAffinityTerm", pod_affinity_term), VALUE("weight"))
SHAPE(pod_affinity,
        LIST("preferredDuringSchedulingIgnoredDuringExecution", weighted_pod_affinity_term),
        LIST("requiredDuringSchedulingIgnoredDuringExecution", pod_affinity_term))
SHAPE(pod_anti_affinity,
        LIST("preferredDuringSchedulingIgnoredDuringExecution", weighted_pod_affinity_term),
        LIST("requiredDuringSchedulingIgnoredDuringExecution", pod_affinity_term))
SHAPE(affinity,
        OBJECT_POINTER("nodeAffinity", node_affinity), OBJECT_POINTER("podAffinity", pod_affinity),
        OBJECT_POINTER("podAntiAffinity", pod_anti_affinity))
SHAPE(toleration,
        VALUE("effect"), VALUE("key"), VALUE("operator"), POINTER("tolerationSeconds"), VALUE("value"))
SHAPE(topology_spread_constraint,
        OBJECT_POINTER("labelSelector", label_selector), VALUES("matchLabelKeys"), VALUE("maxSkew"),
        POINTER("minDomains"), POINTER("nodeAffinityPolicy"), POINTER("nodeTaintsPolicy"),
        VALUE("topologyKey"), VALUE("whenUnsatisfiable"))
SHAPE(host_disk, AMOUNT("capacity"), VALUE("path"), POINTER("shared"), VALUE("type"))
SHAPE(persistent_volume_claim_volume_source, VALUE("claimName"), VALUE("hotpluggable"), VALUE("readOnly"))
SHAPE(local_object_reference, VALUE("name"))
SHAPE(cloud_init_no_cloud_source,
        VALUE("networkData"), VALUE("networkDataBase64"),
        OBJECT_POINTER("networkDataSecretRef", local_object_reference),
        OBJECT_POINTER("secretRef", local_object_reference), VALUE("userData"), VALUE("userDataBase64"))
SHAPE(cloud_init_config_drive_source,
        VALUE("networkData"), VALUE("networkDataBase64"),
        OBJECT_POINTER("networkDataSecretRef", local_object_reference),
        OBJECT_POINTER("secretRef", local_object_reference), VALUE("userData"), VALUE("userDataBase64"))
SHAPE(sysprep_source,
        OBJECT_POINTER("configMap", local_object_reference), OBJECT_POINTER("secret", local_object_reference))
SHAPE(container_disk_source,
        VALUE("image"), VALUE("imagePullPolicy"), VALUE("imagePullSecret"), VALUE("path"))
SHAPE(k8s_persistent_volume_claim_volume_source, VALUE("claimName"), VALUE("readOnly"))
SHAPE(ephemeral_volume_source,
        OBJECT_POINTER("persistentVolumeClaim", k8s_persistent_volume_claim_volume_source))
SHAPE(empty_disk_source, AMOUNT("capacity"))
SHAPE(data_volume_source, VALUE("hotpluggable"), VALUE("name"))
SHAPE(config_map_volume_source, VALUE("name"), POINTER("optional"), VALUE("volumeLabel"))
SHAPE(secret_volume_source, POINTER("optional"), VALUE("secretName"), VALUE("volumeLabel"))
SHAPE(object_field_selector, VALUE("apiVersion"), VALUE("fieldPath"))
SHAPE(resource_field_selector, VALUE("containerName"), AMOUNT("divisor"), VALUE("resource"))
SHAPE(downward_api_volume_file,
        OBJECT_POINTER("fieldRef", object_field_selector), POINTER("mode"), VALUE("path"),
        OBJECT_POINTER("resourceFieldRef", resource_field_selector))
SHAPE(downward_api_volume_source, LIST("fields", downward_api_volume_file), VALUE("volumeLabel"))
SHAPE(service_account_volume_source, VALUE("serviceAccountName"))
SHAPE(memory_dump_volume_source, VALUE("claimName"), VALUE("hotpluggable"), VALUE("readOnly"))
SHAPE(container_path_volume_source, VALUE("path"), POINTER("readOnly"))
SHAPE(volume,
        OBJECT_POINTER("cloudInitConfigDrive", cloud_init_config_drive_source),
        OBJECT_POINTER("cloudInitNoCloud", cloud_init_no_cloud_source),
        OBJECT_POINTER("configMap", config_map_volume_source),
        OBJECT_POINTER("containerDisk", container_disk_source),
        OBJECT_POINTER("containerPath", container_path_volume_source),
        OBJECT_POINTER("dataVolume", data_volume_source),
        OBJECT_POINTER("downwardAPI", downward_api_volume_source), OBJECT_POINTER("downwardMetrics", nothing),
        OBJECT_POINTER("emptyDisk", empty_disk_source), OBJECT_POINTER("ephemeral", ephemeral_volume_source),
        OBJECT_POINTER("hostDisk", host_disk), OBJECT_POINTER("memoryDump", memory_dump_volume_source),
        VALUE("name"), OBJECT_POINTER("persistentVolumeClaim", persistent_volume_claim_volume_source),
        OBJECT_POINTER("secret", secret_volume_source),
        OBJECT_POINTER("serviceAccount", service_account_volume_source),
        OBJECT_POINTER("sysprep", sysprep_source))
SHAPE(exec_action, VALUES("command"))
SHAPE(http_header, VALUE("name"), VALUE("value"))
SHAPE(http_get_action,
        VALUE("host"), LIST("httpHeaders", http_header), VALUE("path"), VALUE("port"), VALUE("scheme"))
SHAPE(tcp_socket_action, VALUE("host"), VALUE("port"))
SHAPE(probe,
        OBJECT_POINTER("exec", exec_action), VALUE("failureThreshold"),
        OBJECT_POINTER("guestAgentPing", nothing), OBJECT_POINTER("httpGet", http_get_action),
        VALUE("initialDelaySeconds"), VALUE("periodSeconds"), VALUE("successThreshold"),
        OBJECT_POINTER("tcpSocket", tcp_socket_action), VALUE("timeoutSeconds"))
SHAPE(pod_network, VALUE("vmIPv6NetworkCIDR"), VALUE("vmNetworkCIDR"))
SHAPE(multus_network, VALUE("default"), VALUE("networkName"))
SHAPE(claim_request, VALUE("claimName"), VALUE("requestName"))
SHAPE(network,
        OBJECT_POINTER("multus", multus_network), VALUE("name"), OBJECT_POINTER("pod", pod_network),
        OBJECT_POINTER("resourceClaim", claim_request))
SHAPE(pod_dns_config_option, VALUE("name"), POINTER("value"))
SHAPE(pod_dns_config, VALUES("nameservers"), LIST("options", pod_dns_config_option), VALUES("searches"))
SHAPE(access_credential_secret_source, VALUE("secretName"))
SHAPE(ssh_public_key_access_credential_source, OBJECT_POINTER("secret", access_credential_secret_source))
SHAPE(qemu_guest_agent_ssh_public_key_access_credential_propagation, VALUES("users"))
SHAPE(ssh_public_key_access_credential_propagation_method,
        OBJECT_POINTER("configDrive", nothing), OBJECT_POINTER("noCloud", nothing),
        OBJECT_POINTER("qemuGuestAgent", qemu_guest_agent_ssh_public_key_access_credential_propagation))
SHAPE(ssh_public_key_access_credential,
        OBJECT("propagationMethod", ssh_public_key_access_credential_propagation_method),
        OBJECT("source", ssh_public_key_access_credential_source))
SHAPE(user_password_access_credential_source, OBJECT_POINTER("secret", access_credential_secret_source))
SHAPE(user_password_access_credential_propagation_method, OBJECT_POINTER("qemuGuestAgent", nothing))
SHAPE(user_password_access_credential,
        OBJECT("propagationMethod", user_password_access_credential_propagation_method),
        OBJECT("source", user_password_access_credential_source))
SHAPE(access_credential,
        OBJECT_POINTER("sshPublicKey", ssh_public_key_access_credential),
        OBJECT_POINTER("userPassword", user_password_access_credential))
SHAPE(virtual_machine_instance_resource_claim,
        VALUE("name"), POINTER("resourceClaimName"), POINTER("resourceClaimTemplateName"))
SHAPE(utility_volume, VALUE("claimName"), VALUE("name"), VALUE("readOnly"), POINTER("type"))
PUBLIC_SHAPE(mv_shape_vmi_spec,
        LIST("accessCredentials", access_credential), OBJECT_POINTER("affinity", affinity),
        VALUE("architecture"), OBJECT_POINTER("dnsConfig", pod_dns_config), VALUE("dnsPolicy"),
        OBJECT("domain", domain_spec), POINTER("evictionStrategy"), VALUE("hostname"),
        OBJECT_POINTER("livenessProbe", probe), LIST("networks", network), MAP("nodeSelector"),
        VALUE("priorityClassName"), OBJECT_POINTER("readinessProbe", probe),
        LIST("resourceClaims", virtual_machine_instance_resource_claim), VALUE("schedulerName"),
        VALUE("serviceAccountName"), POINTER("startStrategy"), VALUE("subdomain"),
        POINTER("terminationGracePeriodSeconds"), LIST("tolerations", toleration),
        LIST("topologySpreadConstraints", topology_spread_constraint), LIST("utilityVolumes", utility_volume),
        LIST("volumes", volume))
SHAPE(virtual_machine_instance_template_spec,
        OBJECT("metadata", object_meta), OBJECT("spec", mv_shape_vmi_spec))
SHAPE(data_volume_source_http,
        VALUE("certConfigMap"), VALUES("extraHeaders"), VALUES("secretExtraHeaders"), VALUE("secretRef"),
        VALUE("url"))
SHAPE(data_volume_source_s3, VALUE("certConfigMap"), VALUE("secretRef"), VALUE("url"))
SHAPE(data_volume_source_gcs, VALUE("secretRef"), VALUE("url"))
SHAPE(platform_options, VALUE("architecture"))
SHAPE(data_volume_source_registry,
        POINTER("certConfigMap"), POINTER("imageStream"), OBJECT_POINTER("platform", platform_options),
        POINTER("pullMethod"), POINTER("secretRef"), POINTER("url"))
SHAPE(data_volume_source_pvc, VALUE("name"), VALUE("namespace"))
SHAPE(data_volume_source_image_io,
        VALUE("certConfigMap"), VALUE("diskId"), POINTER("insecureSkipVerify"), VALUE("secretRef"),
        VALUE("url"))
SHAPE(data_volume_source_vddk,
        VALUE("backingFile"), VALUE("extraArgs"), VALUE("initImageURL"), VALUE("secretRef"),
        VALUE("thumbprint"), VALUE("url"), VALUE("uuid"))
SHAPE(data_volume_source_snapshot, VALUE("name"), VALUE("namespace"))
SHAPE(cdi_data_volume_source,
        OBJECT_POINTER("blank", nothing), OBJECT_POINTER("gcs", data_volume_source_gcs),
        OBJECT_POINTER("http", data_volume_source_http),
        OBJECT_POINTER("imageio", data_volume_source_image_io), OBJECT_POINTER("pvc", data_volume_source_pvc),
        OBJECT_POINTER("registry", data_volume_source_registry), OBJECT_POINTER("s3", data_volume_source_s3),
        OBJECT_POINTER("snapshot", data_volume_source_snapshot), OBJECT_POINTER("upload", nothing),
        OBJECT_POINTER("vddk", data_volume_source_vddk))
SHAPE(data_volume_source_ref, VALUE("kind"), VALUE("name"), POINTER("namespace"))
SHAPE(volume_resource_requirements, AMOUNTS("limits"), AMOUNTS("requests"))
SHAPE(typed_local_object_reference, POINTER("apiGroup"), VALUE("kind"), VALUE("name"))
SHAPE(typed_object_reference, POINTER("apiGroup"), VALUE("kind"), VALUE("name"), POINTER("namespace"))
SHAPE(persistent_volume_claim_spec,
        VALUES("accessModes"), OBJECT_POINTER("dataSource", typed_local_object_reference),
        OBJECT_POINTER("dataSourceRef", typed_object_reference),
        OBJECT("resources", volume_resource_requirements), OBJECT_POINTER("selector", label_selector),
        POINTER("storageClassName"), POINTER("volumeAttributesClassName"), POINTER("volumeMode"),
        VALUE("volumeName"))
SHAPE(storage_spec,
        VALUES("accessModes"), OBJECT_POINTER("dataSource", typed_local_object_reference),
        OBJECT_POINTER("dataSourceRef", typed_object_reference),
        OBJECT("resources", volume_resource_requirements), OBJECT_POINTER("selector", label_selector),
        POINTER("storageClassName"), POINTER("volumeMode"), VALUE("volumeName"))
SHAPE(data_volume_checkpoint, VALUE("current"), VALUE("previous"))
SHAPE(data_volume_spec,
        LIST("checkpoints", data_volume_checkpoint), VALUE("contentType"), VALUE("finalCheckpoint"),
        POINTER("preallocation"), VALUE("priorityClassName"),
        OBJECT_POINTER("pvc", persistent_volume_claim_spec), OBJECT_POINTER("source", cdi_data_volume_source),
        OBJECT_POINTER("sourceRef", data_volume_source_ref), OBJECT_POINTER("storage", storage_spec))
SHAPE(data_volume_template_spec,
        VALUE("apiVersion"), VALUE("kind"), OBJECT("metadata", object_meta), OBJECT("spec", data_volume_spec),
        OBJECT_POINTER("status", nothing))
PUBLIC_SHAPE(mv_shape_vm_spec,
        LIST("dataVolumeTemplates", data_volume_template_spec),
        OBJECT_POINTER("instancetype", instancetype_matcher),
        OBJECT_POINTER("preference", preference_matcher), POINTER("runStrategy"), POINTER("running"),
        REQUIRED_OBJECT_POINTER("template", virtual_machine_instance_template_spec),
        POINTER("updateVolumesStrategy"))
SHAPE(virtual_machine_instance_migration_source, VALUE("connectURL"), VALUE("migrationID"))
SHAPE(virtual_machine_instance_migration_target, VALUE("migrationID"))
PUBLIC_SHAPE(mv_shape_migration_spec,
        MAP("addedNodeSelector"), POINTER("priority"),
        OBJECT_POINTER("receive", virtual_machine_instance_migration_target),
        OBJECT_POINTER("sendTo", virtual_machine_instance_migration_source), VALUE("vmiName"))
#define WHOLE(spec) \
        VALUE("apiVersion"), VALUE("kind"), ANY("metadata"), REQUIRED_OBJECT_POINTER("spec", spec), ANY("status")
PUBLIC_SHAPE(mv_shape_vm, WHOLE(mv_shape_vm_spec))
PUBLIC_SHAPE(mv_shape_vmi, WHOLE(mv_shape_vmi_spec))
PUBLIC_SHAPE(mv_shape_migration, WHOLE(mv_shape_migration_spec))
PUBLIC_SHAPE(mv_shape_stall_detector,
        AMOUNT_POINTER("completionTimeoutFactor"), AMOUNT_POINTER("ewmaAlpha"),
        AMOUNT_POINTER("patienceWindowDecayFactor"), AMOUNT_POINTER("precopyPossibleFactor"),
        POINTER("searchLocalMinima"), POINTER("stallMargin"), POINTER("stallProgressTimeout"),
        POINTER("switchoverTimeout"))
PUBLIC_SHAPE(mv_shape_downtime_tuning,
        POINTER("cooldownSeconds"), POINTER("initialMs"), POINTER("startAfterIteration"), POINTER("steps"))
/* clang-format on */

const struct mv_shape_field *mv_shape_find(const struct mv_shape *shape, const char *key, size_t n) {
        /* Few have the same length, so this is faster than a search by halves. */
        for (size_t i = 0; i < shape->n; i++)
                if (shape->fields[i].n == n && memcmp(shape->fields[i].key, key, n) == 0)
                        return &shape->fields[i];
        return NULL;
}
