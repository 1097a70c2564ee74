/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nodes/cpumodels.h"

/* One generation a line, oldest first. Vendors never meet in a baseline, so they share the list. */
static const char *const generations[][6] = {
        /* Intel */
        { "Penryn" },
        { "Nehalem", "Nehalem-IBRS" },
        { "Westmere", "Westmere-IBRS" },
        { "SandyBridge", "SandyBridge-IBRS" },
        { "IvyBridge", "IvyBridge-IBRS" },
        { "Haswell-noTSX", "Haswell", "Haswell-noTSX-IBRS", "Haswell-IBRS" },
        { "Broadwell-noTSX", "Broadwell", "Broadwell-noTSX-IBRS", "Broadwell-IBRS" },
        { "Skylake-Client", "Skylake-Client-noTSX-IBRS", "Skylake-Client-IBRS" },
        { "Denverton" },
        { "Skylake-Server", "Skylake-Server-noTSX-IBRS", "Skylake-Server-IBRS" },
        { "KnightsMill" },
        { "Cascadelake-Server-noTSX", "Cascadelake-Server" },
        { "Cooperlake" },
        { "Snowridge" },
        { "Icelake-Client-noTSX", "Icelake-Client" },
        { "Icelake-Server-noTSX", "Icelake-Server" },
        { "SapphireRapids" },
        { "SierraForest" },
        { "GraniteRapids" },
        { "ClearwaterForest" },
        { "DiamondRapids" },
        /* AMD */
        { "Opteron_G3" },
        { "Opteron_G4" },
        { "Opteron_G5" },
        { "EPYC", "EPYC-IBRS", "EPYC-IBPB" },
        { "EPYC-Rome" },
        { "EPYC-Milan" },
        { "EPYC-Genoa" },
        { "EPYC-Turin" },
        /* Hygon, Zhaoxin */
        { "Dhyana" },
        { "YongFeng" },
        /* IBM Z */
        { "z10BC-base", "z10BC", "z10BC.2-base", "z10BC.2" },
        { "z10EC-base", "z10EC", "z10EC.2-base", "z10EC.2", "z10EC.3-base", "z10EC.3" },
        { "z114-base", "z114" },
        { "z196-base", "z196", "z196.2-base", "z196.2" },
        { "zBC12-base", "zBC12" },
        { "zEC12-base", "zEC12", "zEC12.2-base", "zEC12.2" },
        { "z13s-base", "z13s" },
        { "z13-base", "z13", "z13.2-base", "z13.2" },
        { "z14ZR1-base", "z14ZR1" },
        { "z14-base", "z14", "z14.2-base", "z14.2" },
        { "gen15b-base", "gen15b" },
        { "gen15a-base", "gen15a" },
        { "gen16b-base", "gen16b" },
        { "gen16a-base", "gen16a" },
        { "gen17b-base", "gen17b" },
        { "gen17a-base", "gen17a" },
        /* IBM POWER */
        { "POWER7" },
        { "POWER8" },
        { "POWER9" },
        { "POWER10" },
        { "POWER11" },
        /* Arm, Ampere, Fujitsu and others */
        { "cortex-a53" },
        { "cortex-a57" },
        { "cortex-a72" },
        { "Falkor", "ThunderX299xx", "FT-2000plus", "Tengyun-S2500", "Kunpeng-920", "a64fx" },
        { "Neoverse-N1" },
        { "Ampere-1", "Ampere-1a" },
        { "Neoverse-V1" },
        { "Neoverse-N2" },
        { "Neoverse-V2" },
};
enum { N_GENERATIONS = sizeof generations / sizeof *generations, VARIANTS = 6, VERSIONS = 100 };

/* "Haswell-v3" is version 3 of Haswell: *ret_model loses it. 0 when the name has none. */
static unsigned version_of(struct mv_str model, struct mv_str *ret_model) {
        unsigned long long version;
        size_t digits = 0;
        while (digits < model.n && model.p[model.n - 1 - digits] >= '0' &&
               model.p[model.n - 1 - digits] <= '9')
                digits++;
        size_t stem = model.n - digits;
        *ret_model = model;
        if (!digits || stem < 3 || memcmp(model.p + stem - 2, "-v", 2) != 0 ||
            !mv_str_to_unsigned(mv_str_skip(model, stem), VERSIONS - 1, &version))
                return 0;
        ret_model->n = stem - 2;
        return (unsigned)version;
}

unsigned mv_cpu_model_rank(struct mv_str model) {
        struct mv_str name;
        unsigned version = version_of(model, &name);
        for (unsigned g = 0; g < N_GENERATIONS; g++)
                for (unsigned v = 0; v < VARIANTS && generations[g][v]; v++)
                        if (mv_str_is(name, generations[g][v]))
                                return (g + 1) * 2 * VERSIONS + (version ? version : VERSIONS + v);
        return 0;
}

bool mv_cpu_model_is_obsolete(struct mv_str model) {
        static const char *const obsolete[] = {
                "486",      "pentium", "pentium2", "pentium3",   "pentiumpro", "coreduo",
                "n270",     "athlon",  "phenom",   "qemu64",     "qemu32",     "kvm64",
                "core2duo", "Conroe",  "kvm32",    "Opteron_G1", "Opteron_G2",
        };
        struct mv_str name;
        unsigned version = version_of(model, &name);
        for (size_t i = 0; version <= 1 && i < sizeof obsolete / sizeof *obsolete; i++)
                if (mv_str_is(name, obsolete[i]))
                        return true;
        return false;
}

int mv_cpu_model_compare(struct mv_str a, struct mv_str b) {
        unsigned left = mv_cpu_model_rank(a), right = mv_cpu_model_rank(b);
        if (left != right)
                return left > right ? -1 : 1;
        return mv_str_compare(a, b);
}
