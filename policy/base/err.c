/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/err.h"

#include <stdio.h>

void mv_err_write(struct mv_err *err, int code, const char *format, ...) {
        if (!err)
                return;
        err->code = code;
        va_list args;
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
}

char *mv_err_format(const struct mv_err *err, char *out, size_t size) {
        char place[320] = "";
        if (err->file[0] && err->line)
                snprintf(place, sizeof place, "%s:%u:%u: ", err->file, err->line, err->column);
        else if (err->file[0])
                snprintf(place, sizeof place, "%s: ", err->file);
        else if (err->line)
                snprintf(place, sizeof place, "line %u, column %u: ", err->line, err->column);
        snprintf(out, size, "%s%s%s%s", place, err->path, err->path[0] ? ": " : "", err->message);
        return out;
}
