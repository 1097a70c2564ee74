/* SPDX-License-Identifier: Apache-2.0 */
/* Random clusters for tests: nodes, pods, volumes, instances and a KubeVirt object, as the JSON of a List. The same seed
 * gives the same text on every machine. */
#pragma once

#include "policy/base/buf.h"

#include <stdint.h>

struct test_random {
        uint64_t state;
};
uint64_t random_next(struct test_random *random);
/* From 0 to below n. */
unsigned random_below(struct test_random *random, unsigned n);
/* True in so many of a hundred cases. */
bool random_chance(struct test_random *random, unsigned percent);

/* Replaces what is in the buffer. Names of instances, VMs and migrations are vm-0, vm-1, ... in several namespaces. */
void random_cluster(uint64_t seed, struct mv_buf *ret);
