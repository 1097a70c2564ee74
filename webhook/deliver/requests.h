/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person asks of an outbox: put dead letters back into a receiver's queue, or forget records. Whoever has the
 * outbox open carries it out himself; while another process has it, the request is left as a file in
 * DIRECTORY/requests, which the next mv_outbox_sync of that process carries out, and answered by a file beside it.
 */
#pragma once

#include "webhook/deliver/outbox.h"

struct mv_outbox_request {
        bool retry; /* dead letters are sent again; else dead letters and waiting records are forgotten */
        struct mv_str receiver;     /* empty: of all receivers */
        const struct mv_str *items; /* sequences and ids, without control characters; none: all of them */
        size_t n_items;
};

/* The item is the record's id or sequence. */
bool mv_outbox_item_is(struct mv_str item, const struct mv_outbox_record *record);

struct mv_outbox_answer {
        uint64_t dead, waiting; /* how many of them it was carried out for */
        uint64_t unmatched;     /* items that nothing had */
        char first_unmatched[128];
        char error[512]; /* why it was not carried out to its end; "" when it was */
};

/* Carry it out. MV_ENOTFOUND: nothing is known of that receiver. MV_ELIMIT: no room to send more again. MV_EIO,
 * MV_ENOMEM. Then too ret tells how far it came. */
int mv_outbox_carry_out(struct mv_outbox *outbox, const struct mv_outbox_request *request,
                        struct mv_outbox_answer *ret, struct mv_err *err);

/* Ask the process that has the directory. MV_ETIMEOUT: it did not answer within so many seconds; the message says
 * whether it may have carried it out. MV_EIO, MV_ENOTFOUND, MV_ENOMEM. */
int mv_outbox_ask(const char *directory, const struct mv_outbox_request *request, unsigned seconds,
                  struct mv_outbox_answer *ret, struct mv_err *err);

/* The files' texts. The items of a request that was read point into text. MV_ESYNTAX, MV_ENOMEM. */
void mv_outbox_request_write(const struct mv_outbox_request *request, struct mv_buf *buf);
int mv_outbox_request_read(struct mv_str text, const struct mv_allocator *allocator,
                           struct mv_outbox_request *ret, struct mv_err *err);
void mv_outbox_request_done(struct mv_outbox_request *request, const struct mv_allocator *allocator);
void mv_outbox_answer_write(const struct mv_outbox_answer *answer, struct mv_buf *buf);
int mv_outbox_answer_read(struct mv_str text, struct mv_outbox_answer *ret, struct mv_err *err);
