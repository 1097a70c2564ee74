/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/files.h"

#include "cluster/parallel.h"
#include "policy/base/buf.h"
#include "policy/object/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
        PADDING = 8,
        CHUNK = 64 * 1024,
        ATTEMPTS = 10,
        RETRY_MS = 20,
        FILES_AHEAD = 32,
        BYTES_AHEAD = 256 * 1024
};

static const struct mv_files_limits defaults = {
        .files = 10000,
        .file_bytes = (size_t)1 << 30,
        .total_bytes = (size_t)2 << 30,
        .nodes = 10000000,
};

/* A file that is read, up to its first document. */
struct file {
        size_t most;        /* bytes that it may have */
        bool ahead;         /* it is read ahead of those before it */
        struct mv_buf text; /* its memory is used again for the next, unless it was a large one */
        struct mv_document_reader *documents;
        struct mv_str first; /* document; its p is NULL when there is none */
        bool left;           /* not read ahead */
        int code;            /* of an error, in err */
        struct mv_err err;
};

struct reading {
        const struct mv_files_options *options;
        const struct mv_listing *listing;
        const struct mv_allocator *allocator;
        struct mv_files_limits limits;
        mv_files_document *take;
        void *context;
        struct mv_document_reader *documents; /* of the file that is taken */
        struct mv_files_counts counts;
        struct mv_err err; /* of the file that ended the reading */
};

static struct mv_files_limits effective_limits(const struct mv_files_options *options) {
        struct mv_files_limits l = options->limits;
        if (!l.files)
                l.files = defaults.files;
        if (!l.file_bytes)
                l.file_bytes = defaults.file_bytes;
        if (!l.total_bytes)
                l.total_bytes = defaults.total_bytes;
        if (!l.nodes)
                l.nodes = defaults.nodes;
        return l;
}

size_t mv_files_limit(const struct mv_files_options *options) {
        return effective_limits(options).files;
}

static bool is_cancelled(const struct reading *reading) {
        return reading->options->cancel && atomic_load(reading->options->cancel);
}

/* --- one file --- */

static int system_error(struct mv_err *err, const char *path, int number) {
        char text[128];
        return mv_listing_error(err, number == ENOENT || number == ENOTDIR ? MV_ENOTFOUND : MV_EIO, path,
                                "%s", strerror_r(number, text, sizeof text));
}

static ssize_t read_some(int fd, void *to, size_t n) {
        ssize_t got;
        do
                got = read(fd, to, n);
        while (got < 0 && errno == EINTR);
        return got;
}

static int too_large(const struct reading *reading, const struct file *file, const char *path,
                     struct mv_err *err) {
        if (file->ahead) /* it will be read again when all before it are counted */
                return mv_err_set(err, MV_ELIMIT, "too large to be read ahead");
        if (reading->limits.total_bytes - reading->counts.bytes < reading->limits.file_bytes)
                return mv_listing_error(err, MV_ELIMIT, path, "the files are larger than %zu bytes together",
                                        reading->limits.total_bytes);
        return mv_listing_error(err, MV_ELIMIT, path, "the file is larger than %zu bytes: split it",
                                reading->limits.file_bytes);
}

/* Most bytes that the next file may have. */
static size_t room(const struct reading *reading) {
        size_t left = reading->limits.total_bytes - reading->counts.bytes;
        return left < reading->limits.file_bytes ? left : reading->limits.file_bytes;
}

/* Read on to the end, in pieces. expected: the size that is likely. */
static int read_to_end(const struct reading *reading, struct file *file, int fd, const char *path,
                       size_t expected, struct mv_err *err) {
        struct mv_buf *text = &file->text;
        for (;;) {
                size_t piece = expected && text->n <= expected ? expected - text->n + 1 : CHUNK;
                char *to = mv_buf_reserve(text, piece);
                if (!to)
                        return mv_err_oom(err);
                ssize_t n = read_some(fd, to, piece);
                if (n < 0)
                        return system_error(err, path, errno);
                text->n += (size_t)n;
                if (text->n > file->most)
                        return too_large(reading, file, path, err);
                if (n == 0)
                        return 0;
                if (is_cancelled(reading))
                        return mv_listing_error(err, MV_EIO, path, "reading was cancelled");
        }
}

static bool same_state(const struct stat *a, const struct stat *b) {
        return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
               a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
               a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Read the file once. *ret_steady: it did not change meanwhile. */
static int read_once(const struct reading *reading, struct file *file, int fd, const char *path,
                     bool *ret_steady, struct mv_err *err) {
        struct stat before, after;
        if (fstat(fd, &before) < 0)
                return system_error(err, path, errno);
        if (!S_ISREG(before.st_mode)) {
                *ret_steady = false;
                return 0;
        }
        if ((unsigned long long)before.st_size > file->most)
                return too_large(reading, file, path, err);
        int r = read_to_end(reading, file, fd, path, (size_t)before.st_size, err);
        if (r)
                return r;
        if (fstat(fd, &after) < 0)
                return system_error(err, path, errno);
        /* A size of 0 is also what files have that the kernel makes up while they are read. */
        *ret_steady = same_state(&before, &after) &&
                      (file->text.n == (size_t)before.st_size || before.st_size == 0);
        return 0;
}

static int read_regular(const struct reading *reading, struct file *file, const char *path,
                        struct mv_err *err) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                mv_buf_clear(&file->text);
                /* Not to wait for a writer, should it have become a pipe. */
                int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
                if (fd < 0)
                        return system_error(err, path, errno);
                bool steady = false;
                int r = read_once(reading, file, fd, path, &steady, err);
                close(fd);
                if (r || steady)
                        return r;
                nanosleep(&(struct timespec){ .tv_nsec = RETRY_MS * 1000000L }, NULL);
        }
        return mv_listing_error(err, MV_EIO, path, "the file changes all the time while it is read");
}

static int read_stream(const struct reading *reading, struct file *file, const char *path,
                       struct mv_err *err) {
        mv_buf_clear(&file->text);
        bool standard = strcmp(path, "-") == 0;
        int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return system_error(err, path, errno);
        int r = read_to_end(reading, file, fd, path, 0, err);
        if (!standard)
                close(fd);
        return r;
}

/* --- its documents --- */

static const char *origin_of(const struct mv_listed *listed) {
        return strcmp(listed->path, "-") == 0 ? "<stdin>" : listed->path;
}

static int open_file(const struct reading *reading, struct file *file, const struct mv_listed *listed,
                     struct mv_err *err) {
        int r = listed->stream ? read_stream(reading, file, listed->path, err)
                               : read_regular(reading, file, listed->path, err);
        if (r)
                return r;
        char *padding = mv_buf_reserve(&file->text, PADDING);
        if (!padding)
                return mv_err_oom(err);
        memset(padding, 0, PADDING);
        struct mv_yaml_limits limits = { .nodes = reading->limits.nodes,
                                         .bytes = reading->limits.file_bytes * 4 };
        return mv_document_reader_new(reading->allocator, mv_buf_str(&file->text), &limits, &file->documents,
                                      err);
}

/* Read it and its first document, or find out what is wrong with it. */
static void start_file(const struct reading *reading, struct file *file, const struct mv_listed *listed) {
        file->err = (struct mv_err){ 0 };
        file->documents = NULL;
        file->code = open_file(reading, file, listed, &file->err);
        if (!file->code)
                file->code = mv_document_reader_next(file->documents, &file->first, &file->err);
}

static int take_documents(struct reading *reading, struct file *file, const char *origin,
                          struct mv_err *err) {
        struct mv_document_reader *documents = file->documents;
        struct mv_str json = file->first;
        int r = file->code;
        for (; !r && json.p; r = mv_document_reader_next(documents, &json, err)) {
                reading->counts.documents++;
                r = reading->take(reading->context, json, mv_str_from(origin), err);
                if (r) {
                        if (r != MV_ENOMEM)
                                mv_document_reader_locate(documents, err->offset, &err->line, &err->column);
                        break;
                }
                if (is_cancelled(reading)) {
                        r = mv_err_set(err, MV_EIO, "reading was cancelled");
                        break;
                }
        }
        if (r && r != MV_ENOMEM)
                snprintf(err->file, sizeof err->file, "%s", origin);
        return r;
}

static void end_file(struct file *file) {
        file->documents = mv_document_reader_free(file->documents);
}

/* Any thread: read a small file ahead. What is large, or in trouble for its size, is left to the thread that takes. */
static void read_ahead(void *context, size_t number, void *slot) {
        const struct reading *reading = context;
        const struct mv_listed *listed = &reading->listing->items[number];
        struct file *file = slot;
        file->most = reading->limits.file_bytes < BYTES_AHEAD ? reading->limits.file_bytes : BYTES_AHEAD;
        file->ahead = true;
        file->left = listed->stream;
        if (file->left)
                return;
        start_file(reading, file, listed);
        file->left = file->code == MV_ELIMIT;
        if (file->left)
                end_file(file);
}

static int take_file(void *context, size_t number, void *slot) {
        struct reading *reading = context;
        struct file *file = slot;
        const struct mv_listed *listed = &reading->listing->items[number];
        if (reading->options->progress)
                reading->options->progress(reading->options->context, number, reading->listing->n);
        file->most = room(reading);
        file->ahead = false;
        if (file->left)
                start_file(reading, file, listed);
        else if (file->documents && file->text.n > file->most) {
                end_file(file);
                file->code = too_large(reading, file, listed->path, &file->err);
        }
        if (file->documents) {
                reading->counts.files++;
                reading->counts.bytes += file->text.n;
                reading->documents = file->documents;
                file->code = take_documents(reading, file, origin_of(listed), &file->err);
        }
        end_file(file);
        if (file->text.capacity >
            2 * BYTES_AHEAD) { /* each slot would keep the memory of the largest that it had */
                mv_buf_done(&file->text);
                mv_buf_init(&file->text, reading->allocator, SIZE_MAX);
        }
        if (file->code)
                reading->err = file->err;
        return file->code;
}

static int read_listing(struct reading *reading, const struct mv_files_options *options,
                        const struct mv_listing *listing, struct mv_files_counts *counts,
                        struct mv_err *err) {
        reading->options = options;
        reading->listing = listing;
        reading->allocator = options->allocator ? options->allocator : &mv_allocator_system;
        reading->limits = effective_limits(options);
        struct file files[FILES_AHEAD] = { { .most = 0 } };
        for (size_t i = 0; i < FILES_AHEAD; i++)
                mv_buf_init(&files[i].text, reading->allocator, SIZE_MAX);
        const struct mv_parallel work = { .n = listing->n,
                                          .slots = files,
                                          .n_slots = FILES_AHEAD,
                                          .slot_size = sizeof *files,
                                          .alone = !options->ahead,
                                          .make = read_ahead,
                                          .take = take_file,
                                          .context = reading };
        int r = mv_parallel_run(&work);
        if (r && err)
                *err = reading->err;
        if (!r && options->progress)
                options->progress(options->context, listing->n, listing->n);
        for (size_t i = 0; i < FILES_AHEAD; i++) {
                end_file(&files[i]);
                mv_buf_done(&files[i].text);
        }
        if (counts)
                *counts = reading->counts;
        return r;
}

int mv_files_read_listing(const struct mv_files_options *options, const struct mv_listing *listing,
                          mv_files_document *take, void *context, struct mv_files_counts *counts,
                          struct mv_err *err) {
        struct reading reading = { .take = take, .context = context };
        return read_listing(&reading, options, listing, counts, err);
}

int mv_files_read(const struct mv_files_options *options, mv_files_document *take, void *context,
                  struct mv_files_counts *counts, struct mv_err *err) {
        struct mv_listing listing;
        int r = mv_listing_make(options->names, options->n_names, options->recursive, mv_files_limit(options),
                                &listing, err);
        if (r) {
                if (counts)
                        *counts = (struct mv_files_counts){ 0 };
                return r;
        }
        r = mv_files_read_listing(options, &listing, take, context, counts, err);
        mv_listing_done(&listing);
        return r;
}

/* --- a snapshot --- */

static int add_document(void *context, struct mv_str json, struct mv_str origin, struct mv_err *err) {
        return mv_snapshot_builder_add(context, json, origin, err);
}

static struct mv_place find_place(void *context, size_t offset) {
        const struct reading *reading = context;
        return mv_document_reader_place(reading->documents, offset);
}

static int decode_in_parallel(const struct mv_snapshot_work *work) {
        return mv_parallel_run(&(struct mv_parallel){ .n = work->n,
                                                      .slots = work->slots,
                                                      .n_slots = work->n_slots,
                                                      .slot_size = work->slot_size,
                                                      .make = work->make,
                                                      .take = work->take,
                                                      .context = work->context });
}

int mv_files_load_listing(const struct mv_files_options *options, const struct mv_listing *listing,
                          struct mv_str default_namespace, struct mv_snapshot **ret,
                          struct mv_files_counts *counts, struct mv_err *err) {
        const struct mv_allocator *allocator = options->allocator ? options->allocator : &mv_allocator_system;
        struct mv_snapshot_builder *builder = mv_snapshot_builder_new(allocator, default_namespace);
        if (!builder)
                return mv_err_oom(err);
        mv_snapshot_builder_keep_texts(builder, options->texts);
        if (options->ahead)
                mv_snapshot_builder_use_worker(builder, decode_in_parallel);
        struct reading reading = { .take = add_document, .context = builder };
        const struct mv_place_finder finder = { .find = find_place, .context = &reading };
        if (options->lines)
                mv_snapshot_builder_keep_lines(builder, &finder);
        int r = read_listing(&reading, options, listing, counts, err);
        if (r) {
                mv_snapshot_builder_free(builder);
                return r;
        }
        return mv_snapshot_builder_finish(builder, ret, err);
}

int mv_files_load(const struct mv_files_options *options, struct mv_str default_namespace,
                  struct mv_snapshot **ret, struct mv_files_counts *counts, struct mv_err *err) {
        struct mv_listing listing;
        int r = mv_listing_make(options->names, options->n_names, options->recursive, mv_files_limit(options),
                                &listing, err);
        if (r)
                return r;
        r = mv_files_load_listing(options, &listing, default_namespace, ret, counts, err);
        mv_listing_done(&listing);
        return r;
}
