/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in an outbox, for people who look. Nothing is changed and no lock taken, so another process may have it meanwhile: what it
 * wrote or removed since the last second may be missing, or still be there.
 */
#pragma once

#include "webhook/deliver/segment.h"

struct mv_outbox_item {
        struct mv_str receiver;
        bool dead; /* else it waits */
        const struct mv_outbox_letter *letter;
};

/* Call see for each record that waits for the receiver (empty: for any), and then for each dead letter, by sequence, until it returns less than 0, which is
 * then returned; texts live as long as the call. *ret_damaged counts what could not be read. MV_ENOTFOUND: the directory holds no
 * outbox, or nothing is known of that receiver; MV_EIO; MV_ESYNTAX: the positions are damaged; MV_ETYPE: a newer version wrote it; MV_ENOMEM. */
int mv_outbox_look(const char *directory, struct mv_str receiver,
                   int (*see)(void *context, const struct mv_outbox_item *item, struct mv_err *err),
                   void *context, size_t *ret_damaged, struct mv_err *err);
