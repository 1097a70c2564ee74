/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/config/config_receivers.h"

#define TEXT(key_, member_) MV_FIELD(struct mv_written_receiver, key_, MV_TYPE_STRING, member_)
#define TEXTS(key_, member_) MV_FIELD(struct mv_written_receiver, key_, MV_TYPE_STRINGS, member_)

static const struct mv_field receiver_fields[] = {
        TEXT("name", name),
        TEXT("url", url),
        TEXT("caFile", ca_file),
        TEXT("clientCertFile", client_cert_file),
        TEXT("tokenFile", token_file),
        TEXT("hmacKeyFile", hmac_key_file),
        TEXTS("kinds", kinds),
        TEXTS("namespaces", namespaces),
        MV_FIELD(struct mv_written_receiver, "verdicts", MV_TYPE_RAW, verdicts),
};
const struct mv_table mv_table_receiver = MV_TABLE_CLOSED(receiver_fields, struct mv_written_receiver);

static const struct mv_field outbox_fields[] = {
        MV_FIELD(struct mv_written_outbox, "directory", MV_TYPE_STRING, directory),
        MV_FIELD(struct mv_written_outbox, "maxBytes", MV_TYPE_TEXT, max_bytes),
        MV_FIELD(struct mv_written_outbox, "tries", MV_TYPE_INT, tries),
};
const struct mv_table mv_table_outbox = MV_TABLE_CLOSED(outbox_fields, struct mv_written_outbox);

const char *const mv_config_receiver_kinds[MV_RECEIVER_KINDS + 1] = {
        "VirtualMachine",     "VirtualMachineInstance",           "VirtualMachineInstanceMigration",
        "VirtualMachinePool", "VirtualMachineInstanceReplicaSet", NULL
};
static const char *const verdict_names[] = { "True", "False", "Unknown", NULL }; /* as enum mv_outcome */

enum {
        USUAL_KINDS = 1 << 0 | 1 << 1 | 1 << 2, /* where none is named */
        ALL_VERDICTS = 1 << 0 | 1 << 1 | 1 << 2,
        LONGEST_NAME = 63,
        MOST_TRIES = 1000,
};
#define LEAST_BYTES ((size_t)1 << 20)

/* --- one receiver --- */

/* It is the value of a label of metrics, an argument of commands, and a part of the names of files. */
static void check_name(struct mv_config_reading *reading, const struct mv_path *path, struct mv_str name,
                       const struct mv_config *config) {
        size_t n = 0;
        mv_config_text(reading, path, name, true);
        while (n < name.n && ((name.p[n] >= 'a' && name.p[n] <= 'z') ||
                              (n && ((name.p[n] >= '0' && name.p[n] <= '9') || name.p[n] == '-'))))
                n++;
        if (n < name.n || n > LONGEST_NAME)
                mv_config_wrong(reading, path, MV_ETYPE,
                                "must be at most %d small letters, digits and -, a letter first",
                                LONGEST_NAME);
        for (size_t i = 0; i < config->receivers.n; i++)
                if (mv_str_equal(config->receivers.items[i].name, name))
                        mv_config_wrong(reading, path, MV_ETYPE, "another receiver has this name");
}

static bool is_plain(struct mv_str text) {
        for (size_t i = 0; i < text.n; i++)
                if (text.p[i] <= ' ' || text.p[i] >= 0x7f || strchr("\"<>\\^`{|}#", text.p[i]))
                        return false;
        return true;
}

static void check_url(struct mv_config_reading *reading, const struct mv_path *path, struct mv_str url) {
        static const char scheme[] = "https://";
        mv_config_text(reading, path, url, true);
        if (!url.n)
                return;
        if (!mv_str_starts_with(url, mv_str_from(scheme))) {
                mv_config_wrong(reading, path, MV_ETYPE, "must begin with %s", scheme);
                return;
        }
        struct mv_str host = mv_str_skip(url, sizeof scheme - 1);
        for (size_t i = 0; i < host.n; i++)
                if (strchr("/?", host.p[i]))
                        host.n = i;
        if (mv_str_find_byte(host, '@') < host.n)
                mv_config_wrong(reading, path, MV_ETYPE,
                                "must not hold a user or password: name a tokenFile");
        else if (!host.n || host.p[0] == ':' || !is_plain(url))
                mv_config_wrong(reading, path, MV_ETYPE, "is no URL of a server, without a fragment");
}

static struct mv_str read_path(struct mv_config_reading *reading, const struct mv_path *path,
                               struct mv_str file) {
        mv_config_text(reading, path, file, false);
        if (mv_str_find_byte(file, '\0') < file.n)
                mv_config_wrong(reading, path, MV_ETYPE, "must not hold a NUL byte");
        return file.n ? mv_arena_copy(reading->arena, file) : (struct mv_str){ 0 };
}

static unsigned read_kinds(struct mv_config_reading *reading, const struct mv_path *path,
                           const struct mv_strings *kinds) {
        unsigned bits = 0;
        if (!kinds->n && mv_config_given(reading, path))
                mv_config_wrong(reading, path, MV_ETYPE, "must not be empty");
        for (size_t i = 0; i < kinds->n; i++) {
                const struct mv_path *at = MV_AT_ITEM(path, i);
                mv_config_text(reading, at, kinds->items[i], true);
                bits |= 1u << mv_config_choice(reading, at, kinds->items[i], mv_config_receiver_kinds, 0);
        }
        return bits ? bits : USUAL_KINDS;
}

/* YAML takes True and False for booleans. */
static unsigned read_verdicts(struct mv_config_reading *reading, const struct mv_path *path,
                              struct mv_str json) {
        struct mv_scan scan;
        struct mv_str value;
        bool first = true;
        unsigned bits = 0;
        if (!mv_config_given(reading, path))
                return ALL_VERDICTS;
        mv_scan_init(&scan, json);
        if (!mv_scan_array(&scan)) {
                mv_config_wrong(reading, path, MV_ETYPE, "must be a list");
                return ALL_VERDICTS;
        }
        for (size_t i = 0; mv_scan_element(&scan, &first) && mv_scan_skip(&scan, &value); i++) {
                const struct mv_path *at = MV_AT_ITEM(path, i);
                bits |= 1u << mv_config_choice_json(reading, at, value, verdict_names, 0);
        }
        if (!bits)
                mv_config_wrong(reading, path, MV_ETYPE, "must not be empty");
        return bits;
}

/* How migvet shows who it is: by one of the ways. */
static void check_ways(struct mv_config_reading *reading, const struct mv_path *path,
                       const struct mv_written_receiver *from) {
        const struct {
                bool given;
                const char *name;
        } ways[] = { { from->client_cert_file.p != NULL, "clientCertFile" },
                     { from->token_file.p != NULL, "tokenFile" },
                     { from->hmac_key_file.p != NULL, "hmacKeyFile" } };
        const char *found = NULL;
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
                if (ways[i].given && found)
                        mv_config_wrong(
                                reading, path, MV_ETYPE,
                                "has %s and %s: it must have just one of clientCertFile, tokenFile and "
                                "hmacKeyFile",
                                found, ways[i].name);
                if (ways[i].given)
                        found = ways[i].name;
        }
        if (!found)
                mv_config_wrong(reading, path, MV_ETYPE,
                                "must have one of clientCertFile, tokenFile and hmacKeyFile");
}

static void read_receiver(struct mv_config_reading *reading, const struct mv_path *path,
                          const struct mv_written_receiver *from, const struct mv_config *config,
                          struct mv_config_receiver *ret) {
        check_name(reading, MV_AT(path, "name"), from->name, config);
        check_url(reading, MV_AT(path, "url"), from->url);
        ret->name = mv_arena_copy(reading->arena, from->name);
        ret->url = mv_arena_copy(reading->arena, from->url);
        ret->ca_file = read_path(reading, MV_AT(path, "caFile"), from->ca_file);
        ret->client_cert_file = read_path(reading, MV_AT(path, "clientCertFile"), from->client_cert_file);
        ret->token_file = read_path(reading, MV_AT(path, "tokenFile"), from->token_file);
        ret->hmac_key_file = read_path(reading, MV_AT(path, "hmacKeyFile"), from->hmac_key_file);
        check_ways(reading, path, from);
        ret->kinds = read_kinds(reading, MV_AT(path, "kinds"), &from->kinds);
        ret->namespaces = mv_config_patterns(reading, MV_AT(path, "namespaces"), &from->namespaces, false);
        ret->verdicts = read_verdicts(reading, MV_AT(path, "verdicts"), from->verdicts);
}

/* --- both lists --- */

void mv_config_receivers(struct mv_config_reading *reading, const struct mv_written_receivers *from,
                         struct mv_config *ret) {
        const struct mv_path *path = MV_AT(NULL, "receivers");
        if (from->n > MV_MOST_RECEIVERS)
                mv_config_wrong(reading, path, MV_ELIMIT, "more than %d receivers", MV_MOST_RECEIVERS);
        ret->receivers.items = mv_arena_new_array(reading->arena, struct mv_config_receiver, from->n);
        for (size_t i = 0; ret->receivers.items && i < from->n && !reading->code; i++) {
                read_receiver(reading, MV_AT_ITEM(path, i), &from->items[i], ret, &ret->receivers.items[i]);
                ret->receivers.n = i + 1;
        }
}

void mv_config_outbox(struct mv_config_reading *reading, const struct mv_written_outbox *from,
                      struct mv_config_outbox *ret) {
        const struct mv_path *path = MV_AT(NULL, "outbox");
        struct mv_str directory = read_path(reading, MV_AT(path, "directory"), from->directory);
        if (directory.n)
                ret->directory = directory;
        ret->max_bytes = mv_config_bytes(reading, MV_AT(path, "maxBytes"), from->max_bytes, LEAST_BYTES,
                                         SIZE_MAX / 2, ret->max_bytes);
        ret->tries = mv_config_number(reading, MV_AT(path, "tries"), from->tries, 1, MOST_TRIES, ret->tries);
}

/* --- filters --- */

/* Bit of name among names; 0 when it is none of them. */
static unsigned bit_of(struct mv_str name, const char *const *names) {
        for (unsigned i = 0; names[i]; i++)
                if (mv_str_is(name, names[i]))
                        return 1u << i;
        return 0;
}

bool mv_config_receiver_wants(const struct mv_config_receiver *receiver, struct mv_str kind,
                              struct mv_str namespace, struct mv_str verdict) {
        return (receiver->kinds & bit_of(kind, mv_config_receiver_kinds)) &&
               (receiver->verdicts & bit_of(verdict, verdict_names)) &&
               (!receiver->namespaces.n ||
                mv_patterns_match(&mv_allocator_system, &receiver->namespaces, namespace) != MV_MATCH_NO);
}
