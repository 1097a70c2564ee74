/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fuzz targets share: a check that stays in every build, texts with the bytes that the scanner may read behind them,
 * and mutation of JSON that knows the grammar and a vocabulary.
 */
#pragma once

#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Says what is wrong, and aborts, unless right. */
void fuzz_check(bool right, const char *what);

/* A copy, followed by MV_SCAN_PADDING zero bytes; to be freed with free. */
char *fuzz_copy(struct mv_str text);
static inline struct mv_str fuzz_str(const uint8_t *data, size_t size) {
        return (struct mv_str){ (const char *)data, size };
}
/* text is one JSON value. */
bool fuzz_is_json(struct mv_str text);

/* What a mutation takes keys and values from, beside the text itself; both lists end with NULL. A value is JSON text. */
struct fuzz_words {
        const char *const *keys, *const *values;
};

/*
 * For LLVMFuzzerCustomMutator. What is JSON stays JSON: one to four of its values are removed, replaced, exchanged, renamed
 * or made longer; now and then, and when it is none, the bytes are mutated as libFuzzer does it. Returns the new size.
 */
size_t fuzz_mutate_json(uint8_t *data, size_t size, size_t most, unsigned seed,
                        const struct fuzz_words *words);
