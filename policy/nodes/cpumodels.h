/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU models by age: which of two named models is the newer one. Models are those of libvirt's list (src/cpu_map) and of
 * QEMU (target/i386/cpu.c, target/s390x/cpu_models.c), in the order of their generations; models of a generation follow
 * one another from the one that asks least of a CPU to the one that asks most.
 */
#pragma once

#include "policy/base/str.h"

#include <stdbool.h>

/* A number that is larger the newer the model is, among models of one vendor; 0 when the model is not in the list. A
 * version such as Haswell-v3 is as old as its model, and behind the names without a version. */
unsigned mv_cpu_model_rank(struct mv_str model);

/* KubeVirt's own list of models that are too old to be offered (pkg/virt-handler/node-labeller/util/util.go:
 * DefaultObsoleteCPUModels). */
bool mv_cpu_model_is_obsolete(struct mv_str model);

/* The newer first; models that are not in the list behind all others, by name. <0, 0 or >0. */
int mv_cpu_model_compare(struct mv_str a, struct mv_str b);
