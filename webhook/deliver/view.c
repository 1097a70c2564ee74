/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/view.h"

#include "certs/file.h"
#include "webhook/deliver/dead.h"
#include "webhook/deliver/disk.h"
#include "webhook/deliver/journal.h"
#include "webhook/deliver/positions.h"

#include <stdlib.h>

struct view {
        const char *directory;
        struct mv_str receiver; /* empty: all */
        bool known;             /* there is something of it */
        int (*see)(void *context, const struct mv_outbox_item *item, struct mv_err *err);
        void *context;
        struct mv_positions positions;
        uint64_t *segments; /* first sequences, n of them */
        size_t n, capacity;
        struct mv_buf buf;
        size_t damaged;
};

/* --- what waits --- */

static int see_name(void *context, const char *name, struct mv_err *err) {
        struct view *view = context;
        uint64_t first;
        if (!mv_journal_is_segment(name, &first))
                return 0;
        if (view->n == view->capacity) {
                size_t capacity = view->capacity ? 2 * view->capacity : 16;
                uint64_t *segments = realloc(view->segments, capacity * sizeof *segments);
                if (!segments)
                        return mv_err_oom(err);
                view->segments = segments;
                view->capacity = capacity;
        }
        view->segments[view->n++] = first;
        return 0;
}

static int by_number(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;
        return (*x > *y) - (*x < *y);
}

static bool is_wanted(const struct view *view, struct mv_str receiver) {
        return !view->receiver.n || mv_str_equal(view->receiver, receiver);
}

static int show_record(struct view *view, const struct mv_outbox_letter *letter, struct mv_err *err) {
        const struct mv_outbox_record *record = &letter->record;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < view->positions.n; i++) {
                const struct mv_position *position = &view->positions.items[i];
                const struct mv_str name = mv_str_from(position->name);
                if (!is_wanted(view, name) || mv_position_has(position, record->sequence) ||
                    (record->receiver.n && !mv_str_equal(record->receiver, name)))
                        continue;
                const struct mv_outbox_item item = { .receiver = name, .letter = letter };
                r = view->see(view->context, &item, err);
        }
        return r;
}

static int show_segment(struct view *view, size_t at, const char *path, struct mv_err *err) {
        const bool last = at + 1 == view->n;
        struct mv_outbox_letter letter;
        struct mv_err local = { 0 };
        mv_buf_clear(&view->buf);
        int r = mv_disk_read(path, MV_JOURNAL_FILE_MAX, &view->buf, &local);
        if (r == MV_ENOTFOUND)
                return 0; /* done meanwhile */
        struct mv_segment_scan scan = { .file = mv_buf_str(&view->buf),
                                        .first = view->segments[at],
                                        .limit = last ? UINT64_MAX : view->segments[at + 1] };
        if (r == 0 && mv_segment_check(scan.file, scan.first) == MV_SEGMENT_NEWER)
                r = mv_err_in_file(&local, path,
                                   mv_err_set(&local, MV_ETYPE, "a newer version of migvet wrote it"));
        if (r < 0) {
                if (err)
                        *err = local;
                return r;
        }
        while (r >= 0 && mv_segment_next(&scan, &letter))
                r = show_record(view, &letter, err);
        view->damaged += scan.damaged + (mv_segment_rest(&scan) && !(last && mv_segment_torn(&scan)));
        return r;
}

static int show_waiting(struct view *view, struct mv_err *err) {
        int r = mv_disk_list(view->directory, see_name, view, err);
        if (view->n)
                qsort(view->segments, view->n, sizeof *view->segments, by_number);
        for (size_t i = 0; r >= 0 && i < view->n; i++) {
                char *path = mv_journal_path(view->directory, view->segments[i]);
                r = path ? show_segment(view, i, path, err) : mv_err_oom(err);
                free(path);
        }
        return r;
}

/* --- dead letters --- */

static int show_dead(struct view *view, struct mv_err *err) {
        struct mv_dead dead;
        int r = mv_dead_open(&dead, view->directory, true, &mv_allocator_system, err);
        for (size_t i = 0; r >= 0 && i < dead.n; i++) {
                struct mv_outbox_letter letter;
                struct mv_err local = { 0 };
                r = mv_dead_read(&dead, i, &view->buf, &letter, &local);
                if (r == 0 && is_wanted(view, letter.record.receiver)) {
                        view->known = true;
                        const struct mv_outbox_item item = { .receiver = letter.record.receiver,
                                                             .dead = true,
                                                             .letter = &letter };
                        r = view->see(view->context, &item, err);
                } else if (r == MV_ENOTFOUND || r == MV_ESYNTAX) { /* gone meanwhile; damaged */
                        view->damaged += r == MV_ESYNTAX;
                        r = 0;
                } else if (r < 0 && err)
                        *err = local;
        }
        mv_dead_done(&dead);
        return r;
}

/* --- all of it --- */

static int read_positions(struct view *view, struct mv_err *err) {
        struct mv_err local = { 0 };
        char *path = mv_path_join(view->directory, MV_POSITIONS_FILE);
        if (!path)
                return mv_err_oom(err);
        int r = mv_disk_read(path, MV_POSITIONS_MOST, &view->buf, &local);
        if (r == MV_ENOTFOUND)
                r = mv_err_in_file(&local, view->directory, mv_err_set(&local, r, "there is no outbox"));
        else if (r == 0) {
                r = mv_positions_read(&view->positions, mv_buf_str(&view->buf), &local);
                if (r < 0)
                        mv_err_in_file(&local, path, r);
        }
        if (r < 0 && err)
                *err = local;
        free(path);
        return r;
}

int mv_outbox_look(const char *directory, struct mv_str receiver,
                   int (*see)(void *context, const struct mv_outbox_item *item, struct mv_err *err),
                   void *context, size_t *ret_damaged, struct mv_err *err) {
        struct view view = { .directory = directory,
                             .receiver = receiver,
                             .see = see,
                             .context = context,
                             .positions.allocator = &mv_allocator_system };
        mv_buf_init(&view.buf, &mv_allocator_system, MV_POSITIONS_MOST);
        int r = read_positions(&view, err);
        if (r == 0)
                r = show_waiting(&view, err);
        view.known = !receiver.n || mv_positions_find(&view.positions, receiver);
        if (r >= 0)
                r = show_dead(&view, err);
        if (r >= 0 && !view.known)
                r = mv_err_set(err, MV_ENOTFOUND, "there is no receiver %.*s", MV_STR_ARG(receiver));
        mv_positions_done(&view.positions);
        mv_buf_done(&view.buf);
        free(view.segments);
        if (r >= 0)
                *ret_damaged = view.damaged;
        return r < 0 ? r : 0;
}
