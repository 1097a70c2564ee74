/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/yaml_output.h"

#include "policy/object/scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

/* A string that every YAML reader takes for a string and for this one. */
static bool is_plain(struct mv_str s) {
        static const char *const words[] = { "true", "false", "yes", "no", "on", "off", "null", "y", "n" };
        if (!s.n || !((s.p[0] >= 'a' && s.p[0] <= 'z') || (s.p[0] >= 'A' && s.p[0] <= 'Z')) ||
            s.p[s.n - 1] == ' ')
                return false;
        for (size_t i = 0; i < s.n; i++)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./ ", s.p[i]) ||
                    !s.p[i])
                        return false;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
                if (s.n == strlen(words[i]) && strncasecmp(s.p, words[i], s.n) == 0)
                        return false;
        return true;
}

static bool emit_scalar(yaml_emitter_t *emitter, struct mv_str s, bool string) {
        yaml_event_t event;
        yaml_scalar_style_t style =
                !string || is_plain(s) ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
        static yaml_char_t nothing[1];
        return yaml_scalar_event_initialize(&event, NULL, NULL, s.n ? (yaml_char_t *)(uintptr_t)s.p : nothing,
                                            (int)s.n, 1, 1, style) &&
               yaml_emitter_emit(emitter, &event);
}

static bool emit_string(yaml_emitter_t *emitter, const struct mv_scan_string *string) {
        if (!string->escaped)
                return emit_scalar(emitter, string->raw, true);
        char *text = malloc(string->raw.n + 1);
        bool ok = text &&
                  emit_scalar(emitter, (struct mv_str){ text, mv_scan_unescape(string->raw, text) }, true);
        free(text);
        return ok;
}

static bool emit_mapping(yaml_emitter_t *emitter, bool start, bool empty) {
        yaml_event_t event;
        int ok = start ? yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                             empty ? YAML_FLOW_MAPPING_STYLE
                                                                   : YAML_BLOCK_MAPPING_STYLE)
                       : yaml_mapping_end_event_initialize(&event);
        return ok && yaml_emitter_emit(emitter, &event);
}

static bool emit_sequence(yaml_emitter_t *emitter, bool start, bool empty) {
        yaml_event_t event;
        int ok = start ? yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                              empty ? YAML_FLOW_SEQUENCE_STYLE
                                                                    : YAML_BLOCK_SEQUENCE_STYLE)
                       : yaml_sequence_end_event_initialize(&event);
        return ok && yaml_emitter_emit(emitter, &event);
}

/* The next byte behind an opening bracket closes it: our own JSON has no spaces. */
static bool emit_value(yaml_emitter_t *emitter, struct mv_scan *scan) {
        struct mv_scan_string string;
        struct mv_str text;
        bool first = true, ok = true;
        char c = mv_scan_peek(scan);
        if (c == '{') {
                ok = emit_mapping(emitter, true, scan->p[1] == '}') && mv_scan_object(scan);
                while (ok && mv_scan_key(scan, &first, &string))
                        ok = emit_string(emitter, &string) && emit_value(emitter, scan);
                return ok && !scan->code && emit_mapping(emitter, false, false);
        }
        if (c == '[') {
                ok = emit_sequence(emitter, true, scan->p[1] == ']') && mv_scan_array(scan);
                while (ok && mv_scan_element(scan, &first))
                        ok = emit_value(emitter, scan);
                return ok && !scan->code && emit_sequence(emitter, false, false);
        }
        if (c == '"')
                return mv_scan_string(scan, &string) && emit_string(emitter, &string);
        return mv_scan_skip(scan, &text) && emit_scalar(emitter, text, false);
}

int mv_yaml_print(FILE *stream, struct mv_buf *json, struct mv_err *err) {
        yaml_emitter_t emitter;
        yaml_event_t event;
        struct mv_scan scan;
        char *padding = mv_buf_reserve(json, MV_SCAN_PADDING);
        if (!padding || !yaml_emitter_initialize(&emitter))
                return mv_err_oom(err);
        memset(padding, 0, MV_SCAN_PADDING);
        mv_scan_init(&scan, mv_buf_str(json));
        yaml_emitter_set_output_file(&emitter, stream);
        yaml_emitter_set_unicode(&emitter, 1);
        yaml_emitter_set_width(&emitter, -1);
        bool ok = yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
                  yaml_emitter_emit(&emitter, &event) &&
                  yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
                  yaml_emitter_emit(&emitter, &event) && emit_value(&emitter, &scan) &&
                  yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(&emitter, &event) &&
                  yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(&emitter, &event);
        int r = ok ? 0
                   : mv_err_set(err, MV_EIO, "cannot print YAML: %s",
                                emitter.problem ? emitter.problem : "out of memory");
        yaml_emitter_delete(&emitter);
        return r;
}
