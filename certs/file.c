/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/file.h"

#include "certs/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int mv_err_in_file(struct mv_err *err, const char *path, int code) {
        if (err)
                snprintf(err->file, sizeof err->file, "%s", path);
        return code;
}

static int code_of(int number) {
        switch (number) {
        case ENOENT:
        case ENOTDIR:
                return MV_ENOTFOUND;
        case EACCES:
        case EPERM:
        case EROFS:
                return MV_EDENIED;
        default:
                return MV_EIO;
        }
}

int mv_err_of_file(struct mv_err *err, const char *path, const char *what, int number) {
        mv_err_write(err, code_of(number), "%s: %s", what,
                     strerrordesc_np(number) ? strerrordesc_np(number) : "unknown error");
        return mv_err_in_file(err, path, code_of(number));
}

char *mv_path_join(const char *directory, const char *name) {
        char *path = NULL;
        size_t n = strlen(directory);
        return asprintf(&path, "%s%s%s", directory, n && directory[n - 1] == '/' ? "" : "/", name) < 0 ? NULL
                                                                                                       : path;
}

struct mv_file_stamp mv_file_stamp(const char *path) {
        struct stat st;
        if (stat(path, &st) < 0)
                return (struct mv_file_stamp){ 0 };
        return (struct mv_file_stamp){
                .exists = true,
                .device = st.st_dev,
                .inode = st.st_ino,
                .size = st.st_size,
                .modified = st.st_mtim,
                .changed = st.st_ctim,
        };
}

static bool same_time(struct timespec a, struct timespec b) {
        return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool mv_file_stamp_equal(const struct mv_file_stamp *a, const struct mv_file_stamp *b) {
        return a->exists == b->exists && a->device == b->device && a->inode == b->inode &&
               a->size == b->size && same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

static ssize_t read_some(int fd, void *to, size_t n) {
        ssize_t r;
        do
                r = read(fd, to, n);
        while (r < 0 && errno == EINTR);
        return r;
}

static int read_open(int fd, const char *path, struct mv_file *ret, struct mv_err *err) {
        struct stat st;
        if (fstat(fd, &st) < 0)
                return mv_err_of_file(err, path, "cannot be read", errno);
        if (!S_ISREG(st.st_mode))
                return mv_err_in_file(err, path, mv_err_set(err, MV_EIO, "is not a regular file"));
        if (st.st_size > MV_PEM_MAX_BYTES)
                return mv_err_in_file(err, path,
                                      mv_err_set(err, MV_ELIMIT, "more than %d bytes", MV_PEM_MAX_BYTES));
        /* One byte more than it has, to see the end; a file that grows meanwhile is read again by the next
         * poll. */
        size_t size = (size_t)st.st_size + 1, n = 0;
        char *text = malloc(size);
        if (!text)
                return mv_err_in_file(err, path, mv_err_oom(err));
        while (n < size - 1) {
                ssize_t r = read_some(fd, text + n, size - 1 - n);
                if (r < 0) {
                        int number = errno;
                        mv_secret_free(text, size);
                        return mv_err_of_file(err, path, "cannot be read", number);
                }
                if (r == 0)
                        break;
                n += (size_t)r;
        }
        text[n] = '\0';
        *ret = (struct mv_file){ .text = text, .n = n, .mode = st.st_mode & 07777 };
        return 0;
}

int mv_file_read(const char *path, struct mv_file *ret, struct mv_err *err) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return mv_err_of_file(err, path, "cannot be opened", errno);
        int r = read_open(fd, path, ret, err);
        close(fd);
        return r;
}

void mv_file_done(struct mv_file *file) {
        if (!file)
                return;
        mv_secret_free(file->text, file->n);
        *file = (struct mv_file){ 0 };
}

static int write_all(int fd, struct mv_str text) {
        while (text.n > 0) {
                ssize_t r = write(fd, text.p, text.n);
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -1;
                text = mv_str_skip(text, (size_t)r);
        }
        return 0;
}

int mv_directory_sync(const char *directory, struct mv_err *err) {
        int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return mv_err_of_file(err, directory, "cannot be opened", errno);
        int r = fsync(fd) < 0 && errno != EINVAL ? mv_err_of_file(err, directory, "cannot be synced", errno)
                                                 : 0;
        close(fd);
        return r;
}

int mv_file_replace(const char *directory, const char *name, mode_t mode, struct mv_str text,
                    struct mv_err *err) {
        char *path = mv_path_join(directory, name), *temporary = NULL;
        if (!path || asprintf(&temporary, "%s.tmp", path) < 0) {
                free(path);
                return mv_err_oom(err);
        }
        int r = 0;
        if (unlink(temporary) < 0 && errno != ENOENT)
                r = mv_err_of_file(err, temporary, "cannot be removed", errno);
        int fd = r < 0 ? -1 : open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (r >= 0 && fd < 0)
                r = mv_err_of_file(err, temporary, "cannot be made", errno);
        if (fd >= 0) {
                if (write_all(fd, text) < 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0)
                        r = mv_err_of_file(err, temporary, "cannot be written", errno);
                if (close(fd) < 0 && r >= 0)
                        r = mv_err_of_file(err, temporary, "cannot be written", errno);
                if (r >= 0 && rename(temporary, path) < 0)
                        r = mv_err_of_file(err, path, "cannot be replaced", errno);
                if (r < 0)
                        unlink(temporary);
        }
        if (r >= 0)
                r = mv_directory_sync(directory, err);
        free(temporary);
        free(path);
        return r;
}

/* Nothing is made but the directory itself: a path that is mistyped, or a volume that is not mounted, is told. */
static void explain_parent(const char *directory, struct mv_err *err) {
        const char *end = directory + strlen(directory);
        while (end > directory && end[-1] == '/')
                end--;
        while (end > directory && end[-1] != '/')
                end--;
        const int n = (int)(end - directory) - 1; /* without the slash */
        if (err && n > 0)
                mv_err_write(err, err->code, "the directory cannot be made, since %.*s does not exist", n,
                             directory);
}

int mv_directory_make(const char *directory, struct mv_err *err) {
        struct stat st;
        if (mkdir(directory, 0700) == 0) {
                char *parent = mv_path_join(directory, "..");
                int r = parent ? mv_directory_sync(parent, NULL)
                               : 0; /* best effort: the parent may be unreadable */
                (void)r;
                free(parent);
                return 0;
        }
        const int number = errno == EEXIST ? ENOTDIR : errno;
        if (errno == EEXIST && stat(directory, &st) == 0 && S_ISDIR(st.st_mode))
                return 0;
        int r = mv_err_of_file(err, directory, "the directory cannot be made", number);
        if (number == ENOENT)
                explain_parent(directory, err);
        return r;
}

int mv_directory_lock(const char *directory, unsigned seconds, int *ret, struct mv_err *err) {
        char *path = mv_path_join(directory, MV_DIRECTORY_LOCK);
        if (!path)
                return mv_err_oom(err);
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        int r = 0;
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
                r = mv_err_of_file(err, directory, "cannot be opened", errno);
        else if (fd < 0)
                r = mv_err_of_file(err, path, "the directory cannot be locked", errno);
        for (unsigned tries = 0; r >= 0; tries++) {
                if (flock(fd, LOCK_EX | LOCK_NB) == 0)
                        break;
                if (errno != EWOULDBLOCK && errno != EINTR)
                        r = mv_err_of_file(err, path, "the directory cannot be locked", errno);
                else if (tries >= seconds * 20)
                        r = mv_err_in_file(err, path,
                                           mv_err_set(err, MV_ETIMEOUT, "another process holds the lock"));
                else
                        nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000 * 1000 }, NULL);
        }
        if (r < 0) {
                if (fd >= 0)
                        close(fd);
        } else
                *ret = fd;
        free(path);
        return r;
}
