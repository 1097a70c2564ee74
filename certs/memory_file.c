/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/memory_file.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BITS = 20 };

/* The path of a descriptor, whose number comes again: written in another way each time, for a million times. */
static void write_path(char *out, size_t size, int fd) {
        static atomic_uint turns;
        unsigned turn = atomic_fetch_add(&turns, 1);
        char ways[BITS * 2 + 1] = "";
        for (int i = 0, n = 0; i < BITS; i++) {
                ways[n++] = '/';
                if (turn >> i & 1)
                        ways[n++] = '.';
        }
        snprintf(out, size, "/proc/self/fd%s/%d", ways, fd);
}

static int write_all(int fd, struct mv_str text) {
        while (text.n) {
                ssize_t n = write(fd, text.p, text.n);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -1;
                text = mv_str_skip(text, (size_t)n);
        }
        return 0;
}

static void close_one(int fd) {
        if (fd >= 0)
                close(fd);
}

int mv_memory_file_set(struct mv_memory_file *file, struct mv_str text, struct mv_err *err) {
        int fd = memfd_create("migvet", MFD_CLOEXEC), number = errno;
        if (fd >= 0 && write_all(fd, text) < 0) {
                number = errno;
                close(fd);
                fd = -1;
        }
        if (fd < 0) {
                char reason[128];
                return mv_err_set(err, MV_EIO, "no memory file can be made: %s",
                                  strerror_r(number, reason, sizeof reason));
        }
        close_one(file->previous);
        file->previous = file->fd;
        file->fd = fd;
        write_path(file->path, sizeof file->path, fd);
        return 0;
}

void mv_memory_file_done(struct mv_memory_file *file) {
        close_one(file->fd);
        close_one(file->previous);
        *file = (struct mv_memory_file)MV_MEMORY_FILE_NONE;
}
