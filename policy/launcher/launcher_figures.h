/* SPDX-License-Identifier: Apache-2.0 */
/* What of a launcher pod's figures differs between versions of KubeVirt; private to policy/launcher/launcher*.c. */
#pragma once

#include "policy/launcher/launcher.h"

enum mv_console_log {
        MV_CONSOLE_LOG_NONE,
        MV_CONSOLE_LOG_CONTAINER, /* of the pod */
        MV_CONSOLE_LOG_SIDECAR,   /* an init container that goes on */
};
enum mv_ratio_scope {
        MV_RATIO_ALL,               /* of the overhead */
        MV_RATIO_WITHOUT_GUARANTEE, /* what dedicated CPUs and guaranteed quality of service cost is added after it */
};
enum mv_passt_overhead {
        MV_PASST_EACH, /* 800Mi for each interface that forwards all ports */
        MV_PASST_NONE, /* a plugin says its own */
        MV_PASST_ONCE, /* 250Mi */
};

struct mv_launcher_figures {
        unsigned since;     /* MV_KUBEVIRT(...) */
        int64_t fixed;      /* MiB: virt-launcher-monitor, virt-launcher, virtlogd, virtqemud, QEMU */
        int64_t video;      /* MiB of a graphics device */
        int64_t guaranteed; /* MiB with dedicated CPUs or guaranteed quality of service */
        enum mv_ratio_scope ratio;
        enum mv_passt_overhead passt;
        enum mv_console_log console_log;
        bool small_attachment;   /* a pod that attaches hotplugged volumes requests less than its limits */
        bool plugin_overhead;    /* of network binding plugins */
        bool disabled_tpm_free;  /* `enabled: false` is no TPM */
        bool io_threads;         /* supplemental ones are CPUs */
        bool even_parity;        /* the annotation about the emulator thread */
        bool request_first;      /* the memory request is made before the overhead, which counts it */
        bool reserved_overhead;  /* memory.reservedOverhead */
        bool tdx;                /* a device of its own */
        bool claims_exempt_gpus; /* with gate GPUsWithDRA no GPU need be permitted; later none by claim need */
};

const struct mv_launcher_figures *mv_launcher_figures_of(unsigned version);

/* Of domain.resources as KubeVirt's webhook leaves it: a CPU request where there was just a limit, or the cluster's. */
struct mv_launcher_resources {
        struct mv_launcher_own {
                int64_t amount;
                bool set;
        } cpu_request, cpu_limit, memory_request, memory_limit;
        int64_t guest;              /* bytes; -1 when it is not set */
        int64_t vcpus;              /* of the topology, 0 when it says nothing */
        bool has_topology;          /* domain.cpu is there */
        bool dedicated, guaranteed; /* CPUs; quality of service */
};

/* GetMemoryOverhead and what network bindings add, in bytes. */
int64_t mv_launcher_overhead(const struct mv_launcher_figures *figures,
                             const struct mv_kubevirt_config *config, const struct mv_vmi *vmi,
                             const struct mv_launcher_resources *resources);

/* A factor as Go's strconv.ParseFloat reads it, written in plain decimal; false when it is none. */
bool mv_launcher_factor(struct mv_str text, double *ret);
/* int64(value * factor) for value >= 0, within what an int64_t holds, never negative. */
int64_t mv_launcher_scale(int64_t value, double factor);
