/* SPDX-License-Identifier: Apache-2.0 */
/* Small things that several files of the client need. */
#pragma once

#include "policy/base/str.h"

/* No control character is in the text: it may stand in a header. */
static inline bool mv_kube_is_plain(struct mv_str text) {
        for (size_t i = 0; i < text.n; i++)
                if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
                        return false;
        return true;
}
