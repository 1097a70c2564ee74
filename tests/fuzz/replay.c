/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A main for a fuzz target: runs it once on each file given, each in a block of memory of exactly its size, so
 * that sanitizers see a read beyond the end. Prints TAP.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *read_file(const char *path, size_t *ret_size) {
        FILE *f = fopen(path, "rb");
        if (!f)
                return NULL;
        uint8_t *data = NULL;
        if (fseek(f, 0, SEEK_END) == 0) {
                long size = ftell(f);
                rewind(f);
                data = size < 0 ? NULL : malloc(size ? (size_t)size : 1);
                if (data && fread(data, 1, (size_t)size, f) != (size_t)size) {
                        free(data);
                        data = NULL;
                }
                *ret_size = (size_t)size;
        }
        fclose(f);
        return data;
}

int main(int argc, char **argv) {
        int failed = 0;
        printf("1..%d\n", argc - 1);
        for (int i = 1; i < argc; i++) {
                size_t size = 0;
                uint8_t *data = read_file(argv[i], &size);
                if (!data) {
                        printf("not ok %d - %s (cannot be read)\n", i, argv[i]);
                        failed = 1;
                        continue;
                }
                /* Said first, so that a crash names its file. */
                printf("# %s\n", argv[i]);
                fflush(stdout);
                LLVMFuzzerTestOneInput(data, size);
                free(data);
                printf("ok %d - %s\n", i, argv[i]);
        }
        return failed;
}
