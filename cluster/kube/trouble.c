/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/trouble.h"

#include <string.h>

void mv_trouble_say(const struct mv_trouble *trouble, enum mv_log_level level, const char *message,
                    const struct mv_log_field *fields, size_t n) {
        if (trouble->logger)
                trouble->logger->line(trouble->logger->context, level, trouble->component, message, fields,
                                      n);
}

void mv_trouble_tell(struct mv_trouble *trouble, enum mv_log_level level, const char *message,
                     const struct mv_err *err) {
        char text[sizeof trouble->text];
        mv_err_format(err, text, sizeof text);
        if (strcmp(text, trouble->text) == 0)
                return;
        memcpy(trouble->text, text, sizeof text);
        const struct mv_log_field field = { "error", mv_str_from(text) };
        mv_trouble_say(trouble, level, message, &field, 1);
}

void mv_trouble_over(struct mv_trouble *trouble, const char *message) {
        if (!trouble->text[0])
                return;
        trouble->text[0] = '\0';
        mv_trouble_say(trouble, MV_LOG_INFO, message, NULL, 0);
}
