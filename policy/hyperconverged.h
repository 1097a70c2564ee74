/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the HyperConverged operator writes into the KubeVirt object that it owns, as far as rules read it
 * (controllers/handlers/kubevirt.go of kubevirt/hyperconverged-cluster-operator: getKVConfig, NewKubeVirt, UpdateCR).
 * It writes the whole spec, so what somebody else changes there is put back.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/object/hyperconverged.h"

/* People who must change the KubeVirt object all the same put a JSON patch into this annotation, and it stays. */
#define MV_HYPERCONVERGED_PATCH "kubevirt.kubevirt.io/jsonpatch"

/* spec.configuration of that KubeVirt object. What the HyperConverged leaves open is left open. Memory comes from arena,
 * whose failure the caller tests; NULL then. */
const struct mv_kubevirt_configuration *mv_hyperconverged_configuration(
        struct mv_arena *arena, const struct mv_hyperconverged *object);
/* The same with what the API server and the operator's webhook fill in where the object of a file leaves it out: migration
 * settings, and by the number of workers the evictionStrategy (pkg/webhooks/mutator), unless MV_UNSET: that is not known. */
const struct mv_kubevirt_configuration *mv_hyperconverged_filled(struct mv_arena *arena,
                                                                 const struct mv_hyperconverged *object,
                                                                 enum mv_optional several_workers);
