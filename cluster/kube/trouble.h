/* SPDX-License-Identifier: Apache-2.0 */
/* Something that is tried again and again is told of when it begins to fail, when it fails otherwise, and when it is
 * well again: not each time. */
#pragma once

#include "policy/base/err.h"
#include "policy/base/log.h"

struct mv_trouble {
        const struct mv_logger *logger; /* NULL: nothing is logged */
        const char *component;          /* "certs" */
        char text[1152];                /* what was told last; "" while all is well */
};

void mv_trouble_tell(struct mv_trouble *trouble, enum mv_log_level level, const char *message,
                     const struct mv_err *err);
/* All is well; message says so where something was told before. */
void mv_trouble_over(struct mv_trouble *trouble, const char *message);
/* One line, of the same component. */
void mv_trouble_say(const struct mv_trouble *trouble, enum mv_log_level level, const char *message,
                    const struct mv_log_field *fields, size_t n);
