/* SPDX-License-Identifier: Apache-2.0 */
/* For policy/config/config.c: receivers and outbox as they are written, and what becomes of them. */
#pragma once

#include "policy/config/config_values.h"

struct mv_written_receiver {
        struct mv_str name, url, ca_file, client_cert_file, token_file, hmac_key_file;
        struct mv_strings kinds, namespaces;
        struct mv_str verdicts;
};
struct mv_written_receivers {
        struct mv_written_receiver *items;
        size_t n;
};
struct mv_written_outbox {
        struct mv_str directory, max_bytes;
        struct mv_optional_int tries;
};
extern const struct mv_table mv_table_receiver, mv_table_outbox;

/* Read the list into ret->receivers. The files that a receiver names are not looked at: they may come later, and change. */
void mv_config_receivers(struct mv_config_reading *reading, const struct mv_written_receivers *from,
                         struct mv_config *ret);
/* ret holds what is in force where nothing is written. */
void mv_config_outbox(struct mv_config_reading *reading, const struct mv_written_outbox *from,
                      struct mv_config_outbox *ret);
