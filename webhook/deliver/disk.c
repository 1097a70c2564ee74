/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/disk.h"

#include "certs/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t mv_disk_read_at(int fd, uint64_t offset, char *to, size_t n) {
        size_t got = 0;
        while (got < n) {
                ssize_t r = pread(fd, to + got, n - got, (off_t)(offset + got));
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -1;
                if (r == 0)
                        break;
                got += (size_t)r;
        }
        return (ssize_t)got;
}

static int read_open(int fd, const char *path, size_t maximum, struct mv_buf *buf, struct mv_err *err) {
        struct stat st;
        if (fstat(fd, &st) < 0)
                return mv_err_of_file(err, path, "cannot be read", errno);
        if (!S_ISREG(st.st_mode))
                return mv_err_in_file(err, path, mv_err_set(err, MV_EIO, "is not a regular file"));
        if ((uint64_t)st.st_size > maximum)
                return mv_err_in_file(err, path, mv_err_set(err, MV_ELIMIT, "more than %zu bytes", maximum));
        char *to = mv_buf_reserve(buf, (size_t)st.st_size);
        if (!to)
                return mv_err_in_file(err, path, mv_err_oom(err));
        ssize_t n = mv_disk_read_at(fd, 0, to, (size_t)st.st_size);
        if (n < 0)
                return mv_err_of_file(err, path, "cannot be read", errno);
        to[n] = '\0';
        buf->n += (size_t)n;
        return 0;
}

int mv_disk_read(const char *path, size_t maximum, struct mv_buf *buf, struct mv_err *err) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return mv_err_of_file(err, path, "cannot be opened", errno);
        int r = read_open(fd, path, maximum, buf, err);
        close(fd);
        return r;
}

bool mv_disk_write_at(int fd, uint64_t offset, struct mv_str bytes) {
        while (bytes.n) {
                ssize_t r = pwrite(fd, bytes.p, bytes.n, (off_t)offset);
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return false;
                offset += (uint64_t)r;
                bytes = mv_str_skip(bytes, (size_t)r);
        }
        return true;
}

int mv_disk_sync(const char *path, struct mv_err *err) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return mv_err_of_file(err, path, "cannot be opened", errno);
        int r = fdatasync(fd) < 0 ? mv_err_of_file(err, path, "cannot be synced", errno) : 0;
        close(fd);
        return r;
}

int mv_disk_list(const char *directory, int (*see)(void *context, const char *name, struct mv_err *err),
                 void *context, struct mv_err *err) {
        DIR *stream = opendir(directory);
        int r = 0;
        if (!stream)
                return mv_err_of_file(err, directory, "cannot be read", errno);
        for (struct dirent *entry; r >= 0;) {
                errno = 0;
                entry = readdir(stream);
                if (!entry) {
                        if (errno)
                                r = mv_err_of_file(err, directory, "cannot be read", errno);
                        break;
                }
                if (entry->d_name[0] != '.')
                        r = see(context, entry->d_name, err);
        }
        closedir(stream);
        return r;
}

bool mv_disk_number(const char *name, size_t digits, const char *suffix, uint64_t *ret) {
        unsigned long long number;
        if (strlen(name) < digits || strcmp(name + digits, suffix) != 0 ||
            !mv_str_to_unsigned((struct mv_str){ name, digits }, UINT64_MAX - 1, &number))
                return false;
        *ret = number;
        return true;
}
