/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/listing.h"

#include "policy/base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_LEVELS = 32 };

/* The directories on the way down, so that a link to one of them ends there. */
struct level {
        const struct level *parent;
        unsigned depth;
        dev_t device;
        ino_t inode;
};

struct lister {
        struct mv_listing *listing;
        bool recursive;
        size_t limit;
        size_t n_directories;
};

int mv_listing_error(struct mv_err *err, int code, const char *path, const char *format, ...) {
        char message[300];
        va_list args;
        va_start(args, format);
        vsnprintf(message, sizeof message, format, args);
        va_end(args);
        if (err)
                snprintf(err->file, sizeof err->file, "%s", strcmp(path, "-") == 0 ? "<stdin>" : path);
        return mv_err_set(err, code, "%s", message);
}

static int system_error(struct mv_err *err, const char *path, int number) {
        if (number == ENOMEM)
                return mv_err_oom(err);
        char text[128];
        return mv_listing_error(err, number == ENOENT || number == ENOTDIR ? MV_ENOTFOUND : MV_EIO, path,
                                "%s", strerror_r(number, text, sizeof text));
}

static void add_stamp(struct mv_listing *listing, const char *path, const struct stat *st) {
        uint64_t values[] = {
                (uint64_t)st->st_dev,          (uint64_t)st->st_ino,          (uint64_t)st->st_size,
                (uint64_t)st->st_mtim.tv_sec,  (uint64_t)st->st_mtim.tv_nsec, (uint64_t)st->st_ctim.tv_sec,
                (uint64_t)st->st_ctim.tv_nsec,
        };
        listing->fingerprint = mv_hash_add(listing->fingerprint, mv_str_from(path));
        listing->fingerprint =
                mv_hash_add(listing->fingerprint, (struct mv_str){ (const char *)values, sizeof values });
        const struct timespec *changed = &st->st_ctim;
        if (changed->tv_sec > listing->newest.tv_sec ||
            (changed->tv_sec == listing->newest.tv_sec && changed->tv_nsec > listing->newest.tv_nsec))
                listing->newest = *changed;
}

static bool make_room(struct mv_listing *listing) {
        if (listing->items && listing->n < listing->capacity)
                return true;
        size_t capacity = listing->capacity ? listing->capacity * 2 : 16;
        struct mv_listed *items = reallocarray(listing->items, capacity, sizeof *items);
        if (!items)
                return false;
        listing->items = items;
        listing->capacity = capacity;
        return true;
}

/* Takes path, also on failure. */
static int add_file(struct lister *lister, char *path, const struct stat *st, struct mv_err *err) {
        struct mv_listing *l = lister->listing;
        if (l->n < lister->limit && make_room(l)) {
                add_stamp(l, path, st);
                l->items[l->n++] = (struct mv_listed){ .path = path, .stream = !S_ISREG(st->st_mode) };
                return 0;
        }
        int r = l->n < lister->limit
                        ? mv_err_oom(err)
                        : mv_listing_error(err, MV_ELIMIT, path, "more than %zu files", lister->limit);
        free(path);
        return r;
}

static bool is_manifest(const char *name) {
        struct mv_str s = mv_str_from(name);
        return mv_str_ends_with(s, MV_STR(".yaml")) || mv_str_ends_with(s, MV_STR(".yml")) ||
               mv_str_ends_with(s, MV_STR(".json"));
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
        char **items;
        size_t n, capacity;
};

static void names_done(struct names *names) {
        for (size_t i = 0; i < names->n; i++)
                free(names->items[i]);
        free(names->items);
}

static int names_add(struct names *names, const char *name, struct mv_err *err) {
        if (names->n == names->capacity) {
                size_t capacity = names->capacity ? names->capacity * 2 : 64;
                char **items = reallocarray(names->items, capacity, sizeof *items);
                if (!items)
                        return mv_err_oom(err);
                names->items = items;
                names->capacity = capacity;
        }
        char *copy = strdup(name);
        if (!copy)
                return mv_err_oom(err);
        names->items[names->n++] = copy;
        return 0;
}

/* Names in the directory that may matter, sorted. */
static int read_names(const struct lister *lister, const char *path, struct names *names,
                      struct mv_err *err) {
        DIR *dir = opendir(path);
        if (!dir)
                return system_error(err, path, errno);
        int r = 0;
        while (!r) {
                errno = 0;
                const struct dirent *entry = readdir(dir);
                if (!entry) {
                        if (errno)
                                r = system_error(err, path, errno);
                        break;
                }
                bool manifest = is_manifest(entry->d_name);
                bool maybe_directory =
                        lister->recursive &&
                        (entry->d_type == DT_DIR || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN);
                if (entry->d_name[0] == '.' || (!manifest && !maybe_directory))
                        continue;
                /* Of any use are as many files, and as many directories, as the limit allows. */
                if (names->n > lister->limit * 2)
                        r = mv_listing_error(err, MV_ELIMIT, path, "more than %zu files", lister->limit);
                else
                        r = names_add(names, entry->d_name, err);
        }
        closedir(dir);
        if (!r && names->n)
                qsort(names->items, names->n, sizeof *names->items, compare_names);
        return r;
}

static int list_directory(struct lister *lister, const char *path, const struct stat *st,
                          const struct level *parent, struct mv_err *err);

/* One name of a directory. */
static int list_entry(struct lister *lister, const char *directory,
                      const char *name, // NOLINT(misc-no-recursion)
                      const struct level *level, struct mv_err *err) {
        size_t length = strlen(directory);
        char *path;
        if (asprintf(&path, "%s%s%s", directory, length && directory[length - 1] == '/' ? "" : "/", name) < 0)
                return mv_err_oom(err);
        struct stat st, link;
        int r = 0;
        if (stat(path, &st) < 0) {
                /* A link to nothing is an error only when it stands for a manifest; what is gone is gone. */
                int number = errno;
                if (lstat(path, &link) == 0 && is_manifest(name))
                        r = system_error(err, path, number);
        } else if (S_ISREG(st.st_mode) && is_manifest(name)) {
                return add_file(lister, path, &st, err);
        } else if (S_ISDIR(st.st_mode) && lister->recursive)
                r = list_directory(lister, path, &st, level, err);
        free(path);
        return r;
}

static int list_directory(struct lister *lister, const char *path, // NOLINT(misc-no-recursion)
                          const struct stat *st, const struct level *parent, struct mv_err *err) {
        struct level level = { parent, parent ? parent->depth + 1 : 0, st->st_dev, st->st_ino };
        for (const struct level *l = parent; l; l = l->parent)
                if (l->device == st->st_dev && l->inode == st->st_ino)
                        return 0;
        if (level.depth >= MAX_LEVELS)
                return mv_listing_error(err, MV_ELIMIT, path, "directories nest deeper than %d levels",
                                        MAX_LEVELS);
        if (lister->n_directories++ >= lister->limit)
                return mv_listing_error(err, MV_ELIMIT, path, "more than %zu directories", lister->limit);
        struct names names = { 0 };
        int r = read_names(lister, path, &names, err);
        for (size_t i = 0; i < names.n && !r; i++)
                r = list_entry(lister, path, names.items[i], &level, err);
        names_done(&names);
        return r;
}

static int list_name(struct lister *lister, const char *name, struct mv_err *err) {
        struct stat st = { .st_mode = S_IFIFO };
        if (strcmp(name, "-") == 0) {
                for (size_t i = 0; i < lister->listing->n; i++)
                        if (strcmp(lister->listing->items[i].path, "-") == 0)
                                return mv_listing_error(err, MV_EUSAGE, name,
                                                        "standard input can be read only once");
        } else if (stat(name, &st) < 0)
                return system_error(err, name, errno);
        if (S_ISDIR(st.st_mode))
                return list_directory(lister, name, &st, NULL, err);
        char *path = strdup(name);
        return path ? add_file(lister, path, &st, err) : mv_err_oom(err);
}

int mv_listing_make(const char *const *names, size_t n_names, bool recursive, size_t limit,
                    struct mv_listing *ret, struct mv_err *err) {
        struct mv_listing listing = { .fingerprint = MV_HASH_START };
        struct lister lister = { .listing = &listing, .recursive = recursive, .limit = limit };
        int r = 0;
        for (size_t i = 0; i < n_names && !r; i++)
                r = list_name(&lister, names[i], err);
        if (r) {
                mv_listing_done(&listing);
                return r;
        }
        *ret = listing;
        return 0;
}

void mv_listing_done(struct mv_listing *listing) {
        for (size_t i = 0; i < listing->n; i++)
                free(listing->items[i].path);
        free(listing->items);
        *listing = (struct mv_listing){ 0 };
}
