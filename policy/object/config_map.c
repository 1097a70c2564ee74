/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/config_map.h"

#include "policy/object/document.h"
#include "policy/object/quantity.h"

#include <stdio.h>
#include <stdlib.h>

/* A Secret's annotations can hold a copy of the whole Secret, so nothing but its name is taken. */
static const struct mv_field name_fields[] = {
        MV_FIELD(struct mv_meta, "generateName", MV_TYPE_STRING, generate_name),
        MV_FIELD(struct mv_meta, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_meta, "namespace", MV_TYPE_STRING, namespace),
};
static const struct mv_table name_table = MV_TABLE(name_fields, struct mv_meta);

static const struct mv_field config_map_fields[] = {
        MV_FIELD_TABLE(struct mv_config_map, "metadata", MV_TYPE_OBJECT, meta, &name_table),
};
const struct mv_table mv_table_config_map = MV_TABLE(config_map_fields, struct mv_config_map);
static const struct mv_field secret_fields[] = {
        MV_FIELD_TABLE(struct mv_secret, "metadata", MV_TYPE_OBJECT, meta, &name_table),
};
const struct mv_table mv_table_secret = MV_TABLE(secret_fields, struct mv_secret);

struct data {
        struct mv_map map;
};
static const struct mv_field data_fields[] = { MV_FIELD(struct data, "data", MV_TYPE_MAP, map) };
static const struct mv_table data_table = MV_TABLE(data_fields, struct data);
struct raw_data {
        struct mv_str text;
};
static const struct mv_field raw_data_fields[] = { MV_FIELD(struct raw_data, "data", MV_TYPE_RAW, text) };
static const struct mv_table raw_data_table = MV_TABLE(raw_data_fields, struct raw_data);

struct reading {
        const struct mv_decode *decode;
        struct mv_str json;     /* the object */
        struct mv_str raw_data; /* its data, as it stands there */
        struct mv_err *err;
};

/* --- errors --- */

/* The value of that key as it stands in the data; its text is empty when there is none. */
static struct mv_str raw_value(const struct reading *reading, struct mv_str key) {
        struct mv_scan scan;
        struct mv_scan_string found;
        struct mv_str value = { 0 };
        bool first = true;
        if (!reading->raw_data.n)
                return value;
        mv_scan_init(&scan, reading->raw_data);
        if (!mv_scan_object(&scan))
                return value;
        while (mv_scan_key(&scan, &first, &found) && mv_scan_skip(&scan, &value))
                if (mv_str_equal(found.raw, key))
                        return value;
        return (struct mv_str){ 0 };
}

/* The value of data.KEY is wrong. */
static int wrong(const struct reading *reading, struct mv_str key, const char *message) {
        struct mv_err *err = reading->err;
        if (err) {
                struct mv_str value = raw_value(reading, key);
                const struct mv_path data = { .key = MV_STR("data") };
                const struct mv_path path = { .parent = &data, .key = key };
                mv_path_format(&path, err->path, sizeof err->path);
                err->offset = value.p ? (size_t)(value.p - reading->json.p) : 0;
                err->line = err->column = 0;
        }
        return mv_err_set(err, MV_ETYPE, "%s", message);
}

/* --- kubevirt-config --- */

/* What `migrations` can hold, numbers and booleans also as strings (pkg/virt-config/config-map.go and
 * staging/src/kubevirt.io/api/core/v1/types.go: MigrationConfiguration, of 0.46). */
static const struct setting {
        const char *name;
        enum { BOOLEAN, NUMBER, QUANTITY, TEXT } type;
} settings[] = {
        { "allowAutoConverge", BOOLEAN },
        { "allowPostCopy", BOOLEAN },
        { "bandwidthPerMigration", QUANTITY },
        { "completionTimeoutPerGiB", NUMBER },
        { "disableTLS", BOOLEAN },
        { "network", TEXT },
        { "nodeDrainTaintKey", TEXT },
        { "parallelMigrationsPerCluster", NUMBER },
        { "parallelOutboundMigrationsPerNode", NUMBER },
        { "progressTimeout", NUMBER },
        { "unsafeMigrationOverride", BOOLEAN },
};

static const struct setting *find_setting(struct mv_str name) {
        for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
                if (mv_str_is(name, settings[i].name))
                        return &settings[i];
        return NULL;
}

/* A setting that stands in the data itself: the text of migrations was not indented, so it ended before. */
static int check_indentation(const struct reading *reading) {
        struct mv_scan scan;
        struct mv_scan_string key;
        bool first = true;
        if (!reading->raw_data.n)
                return 0;
        mv_scan_init(&scan, reading->raw_data);
        if (!mv_scan_object(&scan))
                return 0;
        while (mv_scan_key(&scan, &first, &key) && mv_scan_skip(&scan, NULL)) {
                if (!find_setting(key.raw))
                        continue;
                char message[256];
                snprintf(message, sizeof message,
                         "%s stands beside migrations, not in its text: indent the lines that belong to it "
                         "further than migrations itself",
                         find_setting(key.raw)->name);
                return wrong(reading, MV_STR("migrations"), message);
        }
        return 0;
}

/* What is wrong with the text of migrations, in which line of it. */
static int wrong_text(const struct reading *reading, unsigned line, const char *path, const char *message) {
        char whole[512];
        snprintf(whole, sizeof whole, "line %u of the text: %s%s%s", line ? line : 1, path,
                 path[0] ? ": " : "", message);
        return wrong(reading, MV_STR("migrations"), whole);
}

/* Something that the value of a setting must be, and is not; NULL when it is right. */
static const char *wrong_value(const struct setting *setting, struct mv_str value) {
        struct mv_quantity quantity;
        unsigned long long number;
        switch (setting->type) {
        case BOOLEAN:
                return mv_str_is(value, "true") || mv_str_is(value, "false") ? NULL : "must be true or false";
        case NUMBER:
                return mv_str_to_unsigned(value, INT64_MAX, &number) ? NULL : "must be a whole number";
        case QUANTITY:
                return mv_quantity_parse(value, &quantity, NULL) == 0 ? NULL
                                                                      : "must be a quantity, such as 64Mi";
        case TEXT:
                break;
        }
        return NULL;
}

/* 1024Mi as 1Gi, so that equal values are equal texts. */
static struct mv_str canonical(const struct reading *reading, const struct setting *setting,
                               struct mv_str value) {
        struct mv_quantity quantity;
        char out[MV_QUANTITY_TEXT];
        if (setting->type != QUANTITY || mv_quantity_parse(value, &quantity, NULL) < 0)
                return value;
        return mv_arena_copy(reading->decode->arena, mv_quantity_print(&quantity, out));
}

/* A scalar as text; false for an object or an array. */
static bool scalar_text(const struct reading *reading, struct mv_scan *scan, struct mv_str *ret) {
        struct mv_scan_string string;
        if (mv_scan_peek(scan) == '{' || mv_scan_peek(scan) == '[')
                return false;
        if (mv_scan_peek(scan) != '"') {
                struct mv_str raw;
                bool ok = mv_scan_skip(scan, &raw);
                *ret = mv_arena_copy(reading->decode->arena, raw);
                return ok;
        }
        if (!mv_scan_string(scan, &string))
                return false;
        char *out = mv_arena_allocate(reading->decode->arena, string.raw.n + 1, 1);
        *ret = (struct mv_str){ out, out ? mv_scan_unescape(string.raw, out) : 0 };
        return true;
}

static int compare_pairs(const void *a, const void *b) {
        return mv_str_compare(((const struct mv_pair *)a)->key, ((const struct mv_pair *)b)->key);
}

/* One document of the text, as JSON, into ret. */
static int read_settings(const struct reading *reading, const struct mv_document_reader *documents,
                         struct mv_str json, struct mv_map *ret) {
        enum { MOST = sizeof settings / sizeof *settings };
        struct mv_scan scan;
        struct mv_scan_string key;
        unsigned line = 0, column = 0;
        bool first = true;
        mv_scan_init(&scan, json);
        if (mv_scan_peek(&scan) != '{')
                return wrong_text(reading, 1, "", "must be an object of settings, NAME: VALUE in each line");
        ret->items = mv_arena_new_array(reading->decode->arena, struct mv_pair, MOST);
        if (!ret->items)
                return mv_err_oom(reading->err);
        mv_scan_object(&scan);
        while (mv_scan_key(&scan, &first, &key)) {
                const struct setting *setting = find_setting(key.raw);
                struct mv_str value = { 0 };
                mv_scan_peek(&scan);
                mv_document_reader_locate(documents, (size_t)(scan.p - json.p), &line, &column);
                if (!setting) {
                        mv_scan_skip(&scan, NULL);
                        continue;
                }
                if (mv_scan_peek(&scan) == 'n' && mv_scan_null(&scan))
                        continue;
                const char *problem = scalar_text(reading, &scan, &value) ? wrong_value(setting, value)
                                                                          : "must be a single value";
                if (mv_arena_failed(reading->decode->arena))
                        return mv_err_oom(reading->err);
                for (size_t i = 0; i < ret->n && !problem; i++)
                        if (mv_str_is(ret->items[i].key, setting->name))
                                problem = "the same key comes twice";
                if (problem)
                        return wrong_text(reading, line, setting->name, problem);
                ret->items[ret->n++] =
                        (struct mv_pair){ mv_str_from(setting->name), canonical(reading, setting, value) };
        }
        qsort(ret->items, ret->n, sizeof *ret->items, compare_pairs);
        return 0;
}

static int read_migrations(const struct reading *reading, struct mv_str text, struct mv_map *ret) {
        struct mv_arena *arena = reading->decode->arena;
        char *padded = mv_arena_allocate(arena, text.n + MV_SCAN_PADDING, 1);
        struct mv_document_reader *documents = NULL;
        struct mv_err why = { 0 };
        struct mv_str json = { 0 };
        if (!padded)
                return mv_err_oom(reading->err);
        if (text.n)
                memcpy(padded, text.p, text.n);
        int r = mv_document_reader_new(arena->allocator, (struct mv_str){ padded, text.n }, NULL, &documents,
                                       &why);
        if (r == 0)
                r = mv_document_reader_next(documents, &json, &why);
        if (r == MV_ENOMEM)
                r = mv_err_oom(reading->err);
        else if (r < 0)
                r = wrong_text(reading, why.line, "", why.message);
        else if (json.p)
                r = read_settings(reading, documents, json, ret);
        mv_document_reader_free(documents);
        return r;
}

/* --- kubevirt-storage-class-defaults --- */

static bool names_setting(struct mv_str key, struct mv_str setting) {
        return mv_str_ends_with(key, setting) && (key.n == setting.n || key.p[key.n - setting.n - 1] == '.');
}

static int check_storage_defaults(const struct reading *reading, const struct mv_map *data) {
        static const char *const access_modes[] = { "ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany",
                                                    "ReadWriteOncePod" };
        static const char *const volume_modes[] = { "Block", "Filesystem" };
        for (size_t i = 0; i < data->n; i++) {
                const struct mv_pair *pair = &data->items[i];
                if (names_setting(pair->key, MV_STR("accessMode")) &&
                    !mv_str_is_one_of(pair->value, access_modes))
                        return wrong(
                                reading, pair->key,
                                "must be ReadWriteOnce, ReadOnlyMany, ReadWriteMany or ReadWriteOncePod");
                if (names_setting(pair->key, MV_STR("volumeMode")) &&
                    !mv_str_is_one_of(pair->value, volume_modes))
                        return wrong(reading, pair->key, "must be Block or Filesystem");
        }
        return 0;
}

/* --- both --- */

static const char *const installer_namespaces[] = { "openshift-cnv", "kubevirt-hyperconverged", "openshift",
                                                    "cdi", "kubevirt" };

const char *mv_installer_namespace(size_t i) {
        return i < sizeof installer_namespaces / sizeof *installer_namespaces ? installer_namespaces[i]
                                                                              : NULL;
}

bool mv_is_installer_namespace(struct mv_str namespace) {
        return mv_str_is_one_of(namespace, installer_namespaces);
}

static int read_data(const struct mv_decode *decode, struct mv_str json, struct mv_config_map *map,
                     struct mv_err *err) {
        bool legacy = mv_str_is(map->meta.name, MV_LEGACY_CONFIG);
        const struct mv_decode in_place = { .arena = decode->arena };
        struct raw_data raw;
        struct data data;
        int r = mv_decode(&in_place, json, &raw_data_table, &raw, err);
        if (r < 0)
                return r;
        const struct reading reading = { .decode = decode, .json = json, .raw_data = raw.text, .err = err };
        r = legacy ? check_indentation(&reading) : 0;
        if (r == 0)
                r = mv_decode(decode, json, &data_table, &data, err);
        if (r < 0)
                return r;
        map->data = data.map;
        if (!legacy)
                return check_storage_defaults(&reading, &map->data);
        const struct mv_str *migrations = mv_map_get(&map->data, MV_STR("migrations"));
        return migrations ? read_migrations(&reading, *migrations, &map->migrations) : 0;
}

int mv_config_map_read(const struct mv_decode *decode, struct mv_str json, void *object, struct mv_err *err) {
        struct mv_config_map *map = object;
        struct mv_err problem = { 0 };
        if (!mv_str_is(map->meta.name, MV_LEGACY_CONFIG) &&
            !mv_str_is(map->meta.name, MV_STORAGE_CLASS_DEFAULTS))
                return 0;
        if (mv_is_installer_namespace(map->meta.namespace))
                return read_data(decode, json, map, err);
        int r = read_data(decode, json, map, &problem);
        if (r == MV_ENOMEM)
                return mv_err_oom(err);
        if (r < 0) {
                map->data = map->migrations = (struct mv_map){ 0 };
                map->problem = mv_arena_copy(decode->arena, mv_str_from(problem.message));
                map->problem_path = mv_arena_copy(decode->arena, mv_str_from(problem.path));
        }
        return 0;
}
