/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet version`. */
#include "cli/cli.h"
#include "cli/version.h"

#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <json-c/json_c_version.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>
#include <zlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#ifndef MIGVET_VERSION
#define MIGVET_VERSION "unknown"
#endif
#ifndef MIGVET_COMMIT
#define MIGVET_COMMIT "unknown"
#endif

const char *mv_version(void) {
        return MIGVET_VERSION;
}

static const char usage[] =
        "Usage: migvet version\n"
        "\n"
        "Prints the version, the commit it was built from, the versions of the libraries\n"
        "it runs with, and the version of KubeVirt whose behaviour it reproduces.\n";

static int run(int argc, char **argv) {
        char pcre[64] = "";
        if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
                return mv_cli_help(&mv_command_version);
        if (argc > 1)
                return mv_cli_usage_error(&mv_command_version, "unexpected \"%s\"", argv[1]);
        pcre2_config(PCRE2_CONFIG_VERSION, pcre);
        printf("migvet %s (commit %s)\n", MIGVET_VERSION, MIGVET_COMMIT);
        printf("KubeVirt: behaviour of main, August 2026 (after v1.9.0)\n");
        printf("libmicrohttpd %s, GnuTLS %s, libcurl %s, json-c %s, libyaml %s, PCRE2 %s, zlib %s\n",
               MHD_get_version(), gnutls_check_version(NULL), curl_version_info(CURLVERSION_NOW)->version,
               json_c_version(), yaml_get_version_string(), pcre, zlibVersion());
        return MV_EXIT_OK;
}

const struct mv_command mv_command_version = {
        .name = "version",
        .summary = "versions of migvet, its libraries and the KubeVirt it reproduces",
        .usage = usage,
        .run = run,
};
