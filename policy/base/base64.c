/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool mv_base64_decode(struct mv_str text, unsigned char *out, size_t *ret_n) {
        unsigned long bits = 0;
        unsigned have = 0, padding = 0;
        size_t n = 0;
        for (size_t i = 0; i < text.n; i++) {
                char c = text.p[i];
                if (c == '\n' || c == '\r')
                        continue;
                const char *digit = c && c != '=' ? strchr(alphabet, c) : NULL;
                if (digit ? padding : c != '=' || have < 2)
                        return false;
                padding += !digit;
                bits = bits << 6 | (digit ? (unsigned long)(digit - alphabet) : 0);
                if (++have < 4)
                        continue;
                for (unsigned byte = 0; byte + padding < 3; byte++)
                        out[n++] = (unsigned char)(bits >> (16 - 8 * byte));
                bits = have = 0;
                if (padding) { /* nothing may follow */
                        for (i++; i < text.n; i++)
                                if (text.p[i] != '\n' && text.p[i] != '\r')
                                        return false;
                        break;
                }
        }
        *ret_n = n;
        return have == 0;
}

void mv_buf_append_base64(struct mv_buf *buf, struct mv_str bytes) {
        char *out = bytes.n <= buf->maximum ? mv_buf_reserve(buf, (bytes.n + 2) / 3 * 4) : NULL;
        if (!out) {
                buf->failed = true;
                return;
        }
        for (size_t i = 0; i < bytes.n; i += 3) {
                unsigned long bits = 0;
                size_t have = bytes.n - i < 3 ? bytes.n - i : 3;
                for (size_t k = 0; k < 3; k++)
                        bits = bits << 8 | (k < have ? (unsigned char)bytes.p[i + k] : 0UL);
                for (size_t k = 0; k < 4; k++)
                        *out++ = k <= have ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
        }
        buf->n += (bytes.n + 2) / 3 * 4;
        buf->p[buf->n] = '\0';
}
