# SPDX-License-Identifier: Apache-2.0
# migvet: one makefile for everything. `make help` lists the targets.
#
# Every variant of the build has its own directory, so a sanitizer run never dirties another:
#   release   gcc, hardened: the program that is installed; build/migvet points to it
#   asan      clang, AddressSanitizer and UndefinedBehaviorSanitizer
#   tsan      clang, ThreadSanitizer
#   coverage  clang, source-based coverage
#   fuzz      clang, libFuzzer with the asan sanitizers
# Settings on the command line: WERROR=1 (or CI=true in the environment), V=1 (show commands), CC=, CLANG=,
# EXTRA_CFLAGS=, EXTRA_LDFLAGS=, MINUTES= (fuzz, soak), RUNS=, SECONDS=,
# PARTS= and PEERS=1 (bench; tests/bench/run.py), PREFIX= and DESTDIR= (install), IMAGE= (image: its name),
# HELM_TOOLS= (chart: a directory with helm), JOBS=.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
SHELL := /bin/bash
.SHELLFLAGS := -euc
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

VERSION := 0.1.0

ifneq (,$(filter default undefined,$(origin CC)))
CC := gcc
endif
CLANG ?= clang
AR := ar
PYTHON ?= /usr/bin/python3
PREFIX ?= /usr/local
JOBS ?= $(or $(shell nproc 2>/dev/null),2)
MINUTES ?= 1
ifeq ($(CI),true)
WERROR ?= 1
endif

VARIANTS := release asan tsan coverage fuzz
LIBRARIES := libmicrohttpd gnutls json-c yaml-0.1 libpcre2-8 libcurl zlib

# Evaluated on first use only, so that this file can be read on a machine that has no pkg-config yet.
pkg-config = $(shell pkg-config $(1) || echo PKG_CONFIG_FAILED)
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(patsubst -I%,-isystem %,$$(call pkg-config,--cflags $(LIBRARIES))))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(call pkg-config,--libs $(LIBRARIES)))$(PKG_LIBS)
COMMIT = $(eval COMMIT := $$(or $$(shell git rev-parse --short=12 HEAD 2>/dev/null),unknown))$(COMMIT)

# --- flags -------------------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wvla -Wformat=2
# Tests are plainer: cmocka's macros convert, and a fuzz target has no header.
STRICT := -Wconversion -Wmissing-prototypes
COMMON := -std=c17 -D_GNU_SOURCE -g -I. -MMD -MP -fvisibility=hidden -fPIE -pthread $(WARNINGS) \
	$(if $(filter 1,$(WERROR)),-Werror)
HARDEN := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
LINK := -pie -pthread -Wl,-z,relro,-z,now

CC_release = $(CC)
CC_asan = $(CLANG)
CC_tsan = $(CLANG)
CC_coverage = $(CLANG)
CC_fuzz = $(CLANG)
SANITIZE_release :=
SANITIZE_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SANITIZE_tsan := -fsanitize=thread -fno-omit-frame-pointer
SANITIZE_coverage := -fprofile-instr-generate -fcoverage-mapping
SANITIZE_fuzz := $(SANITIZE_asan)
CFLAGS_release := -O2 $(HARDEN)
CFLAGS_asan := -O1 $(SANITIZE_asan)
CFLAGS_tsan := -O1 $(SANITIZE_tsan)
CFLAGS_coverage := -O0 $(SANITIZE_coverage)
CFLAGS_fuzz := -O1 $(SANITIZE_fuzz) -fsanitize=fuzzer-no-link -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' '$(1)' '$(2)')

# --- sources -----------------------------------------------------------------------------------------------

src_policy := $(sort $(wildcard policy/*.c policy/*/*.c))
src_certs := $(sort $(wildcard certs/*.c))
src_cluster := $(sort $(wildcard cluster/*.c cluster/*/*.c))
src_webhook := $(sort $(wildcard webhook/*.c webhook/*/*.c))
src_cli := $(sort $(filter-out cli/main.c,$(wildcard cli/*.c)))
src_support := $(sort $(wildcard tests/unit/support*.c))
src_unit := $(sort $(wildcard tests/unit/test_*.c))
src_fuzz := $(sort $(wildcard tests/fuzz/fuzz_*.c))
src_fuzz_support := tests/fuzz/cluster.c tests/fuzz/support.c
src_bench := $(sort $(wildcard tests/bench/*.c))
src_oracle := $(sort $(wildcard tests/oracle/*.c))

product := $(src_policy) $(src_certs) $(src_cluster) $(src_webhook) $(src_cli) cli/main.c
headers := $(sort $(wildcard policy/*.h policy/*/*.h certs/*.h cluster/*.h cluster/*/*.h webhook/*.h \
	webhook/*/*.h cli/*.h tests/unit/*.h tests/fuzz/*.h tests/bench/*.h))
c_tests := $(src_support) $(src_unit) $(src_fuzz) $(src_fuzz_support) $(src_bench) $(src_oracle) \
	$(wildcard tests/fuzz/replay.c)
c_sources := $(product) $(c_tests)

unit_names := $(notdir $(src_unit:.c=))
fuzz_names := $(notdir $(src_fuzz:.c=))

# --- building ----------------------------------------------------------------------------------------------

.PHONY: all
all: build/migvet

build/migvet: build/release/migvet
	$(Q)ln -sf release/migvet $@

.PHONY: FORCE
FORCE:

# keep(text): write text into $@ only when it differs, so that what depends on $@ is remade just then.
keep = @mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@

# library(variant, name, sources): an archive; remade too when a source was removed from the list.
define library
build/$(1)/$(2).members: FORCE
	$$(call keep,$(3))
build/$(1)/$(2).a: $(3:%.c=build/$(1)/%.o) build/$(1)/$(2).members
	$$(call say,AR,$$@)
	$(Q)rm -f $$@; $(AR) rcs $$@ $$(filter %.o,$$^)
endef

define variant
build/$(1)/flags: FORCE
	$$(if $$(findstring PKG_CONFIG_FAILED,$$(PKG_CFLAGS) $$(PKG_LIBS)),@echo >&2 \
		"Libraries or pkg-config are missing: run 'make deps' first."; exit 1)
	$$(call keep,$$(CC_$(1)) $$(cflags_$(1)) $$(ldflags_$(1)) $$(PKG_LIBS))
build/$(1)/version: FORCE
	$$(call keep,$(VERSION) $$(COMMIT))

cflags_$(1) = $(COMMON) $(CFLAGS_$(1)) $$(PKG_CFLAGS) $(EXTRA_CFLAGS)
ldflags_$(1) = $(LINK) $(SANITIZE_$(1)) $(EXTRA_LDFLAGS)
build/$(1)/%.o: strictness = $(STRICT)
build/$(1)/tests/%.o: strictness =

build/$(1)/%.o: %.c build/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$(Q)$$(CC_$(1)) $$(cflags_$(1)) $$(strictness) $$(defines) -c $$< -o $$@

build/$(1)/cli/version.o: defines = -DMIGVET_VERSION='"$(VERSION)"' -DMIGVET_COMMIT='"$$(COMMIT)"'
build/$(1)/cli/version.o: build/$(1)/version

$(call library,$(1),libmigvet,$(src_policy))
$(call library,$(1),libmigvet-certs,$(src_certs))
$(call library,$(1),libmigvet-cluster,$(src_cluster))
$(call library,$(1),libmigvet-webhook,$(src_webhook))
$(call library,$(1),libmigvet-cli,$(src_cli))
$(call library,$(1),libtest-support,$(src_support))
$(call library,$(1),libfuzz-support,$(src_fuzz_support))

libs_$(1) := $(foreach l,-cli -webhook -cluster -certs,build/$(1)/libmigvet$(l).a) build/$(1)/libmigvet.a

build/$(1)/migvet: build/$(1)/cli/main.o $$(libs_$(1))
	$$(call say,LINK,$$@)
	$(Q)$$(CC_$(1)) $$(ldflags_$(1)) $$(filter %.o %.a,$$^) $$(PKG_LIBS) -o $$@

$(addprefix build/$(1)/tests/unit/,$(unit_names)): build/$(1)/tests/unit/%: build/$(1)/tests/unit/%.o \
		build/$(1)/libtest-support.a $$(libs_$(1))
	$$(call say,LINK,$$@)
	$(Q)$$(CC_$(1)) $$(ldflags_$(1)) $$(filter %.o %.a,$$^) $$(PKG_LIBS) -lcmocka -o $$@

$(patsubst %.c,build/$(1)/%,$(src_bench) $(src_oracle)): build/$(1)/%: build/$(1)/%.o $$(libs_$(1))
	$$(call say,LINK,$$@)
	$(Q)$$(CC_$(1)) $$(ldflags_$(1)) $$(filter %.o %.a,$$^) $$(PKG_LIBS) -o $$@

.PHONY: build-$(1) unit-$(1) replay-$(1) bench-$(1)
build-$(1): build/$(1)/migvet
unit-$(1): $(addprefix build/$(1)/tests/unit/,$(unit_names))
replay-$(1): $(addprefix build/$(1)/tests/fuzz/,$(fuzz_names))
bench-$(1): $(src_bench:%.c=build/$(1)/%)
endef
$(foreach v,$(VARIANTS),$(eval $(call variant,$(v))))

# replays(variant): fuzz targets with a plain main that runs the files it is given.
define replays
$(addprefix build/$(1)/tests/fuzz/,$(fuzz_names)): build/$(1)/tests/fuzz/%: build/$(1)/tests/fuzz/%.o \
		build/$(1)/tests/fuzz/replay.o build/$(1)/libfuzz-support.a $$(libs_$(1))
	$$(call say,LINK,$$@)
	$(Q)$$(CC_$(1)) $$(ldflags_$(1)) $$(filter %.o %.a,$$^) $$(PKG_LIBS) -o $$@
endef
$(foreach v,$(filter-out fuzz,$(VARIANTS)),$(eval $(call replays,$(v))))

$(addprefix build/fuzz/tests/fuzz/,$(fuzz_names)): build/fuzz/tests/fuzz/%: build/fuzz/tests/fuzz/%.o \
		build/fuzz/libfuzz-support.a $(libs_fuzz)
	$(call say,LINK,$@)
	$(Q)$(CLANG) $(LINK) $(SANITIZE_fuzz) -fsanitize=fuzzer $(EXTRA_LDFLAGS) $(filter %.o %.a,$^) $(PKG_LIBS) -o $@

-include $(foreach v,$(VARIANTS),$(c_sources:%.c=build/$(v)/%.d))

# --- running -----------------------------------------------------------------------------------------------

# Each of these starts make anew once the packages are there.
again = +@$(MAKE) --no-print-directory $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))
run_tests = @PYTHON=$(PYTHON) JOBS=$(JOBS) tests/run

# The tests against a real Kubernetes are run where they can be; in CI they must.
e2e = $(eval e2e := $$(if $$(filter true,$$(CI)),e2e,$$(shell tests/e2e/run --possible && echo e2e)))$(e2e)
# Their programs are built before, so that one sees why it takes so long; .ci/run does it beside the others.
e2e_tools = $(if $(e2e),$(if $(filter true,$(CI)),,@tests/e2e/tools/build.sh >/dev/null))
# They install the chart with the image of what was built.
e2e_image = $(if $(and $(e2e),$(wildcard packaging/image.py)),$(again) image)

# What counts the costs of reviews, and what is compared with Go.
budget := build/release/tests/bench/review
oracle := $(src_oracle:%.c=build/release/%)

.PHONY: deps demo test test-unit test-budget test-functional test-e2e test-asan test-tsan coverage fuzz fuzz-coverage soak bench
deps:
	@tests/deps.sh build

demo:
	@tests/deps.sh build demo
	$(again) all
	@MIGVET=$(CURDIR)/build/migvet examples/demo.sh

test:
	@tests/deps.sh build test $(e2e)
	$(again) built-for-test
	$(e2e_image)
	$(e2e_tools)
	$(run_tests) release:unit,corpus,budget,functional$(addprefix $(comma),$(e2e)) asan:unit,corpus,functional tsan:unit,functional

test-unit:
	@tests/deps.sh build test
	$(again) all unit-release replay-release
	$(run_tests) release:unit,corpus

test-budget:
	@tests/deps.sh build test
	$(again) all $(budget)
	$(run_tests) release:budget

test-functional:
	@tests/deps.sh build test
	$(again) all
	$(run_tests) release:functional

test-e2e:
	@tests/e2e/run --possible
	@tests/deps.sh build test e2e
	$(again) all $(oracle)
	$(e2e_image)
	$(e2e_tools)
	$(run_tests) release:e2e

test-asan:
	@tests/deps.sh build test
	$(again) build-asan unit-asan replay-asan
	$(run_tests) asan:unit,corpus,functional

test-tsan:
	@tests/deps.sh build test
	$(again) build-tsan unit-tsan
	$(run_tests) tsan:unit,functional

.PHONY: built-for-test
built-for-test: all unit-release replay-release $(budget) $(oracle) build-asan unit-asan replay-asan build-tsan unit-tsan

coverage:
	@tests/deps.sh build test
	$(again) build-coverage unit-coverage replay-coverage
	@rm -rf build/coverage/profiles
	$(run_tests) coverage:unit,corpus,functional
	@tests/coverage.sh build/coverage

fuzz:
	@tests/deps.sh build test
	$(again) replay-fuzz
	@tests/fuzz/run.sh $(MINUTES) $(addprefix build/fuzz/tests/fuzz/,$(fuzz_names))

fuzz-coverage:
	@tests/deps.sh build test
	$(again) replay-coverage
	@PYTHON=$(PYTHON) tests/fuzz/coverage.sh build/coverage

soak:
	@tests/deps.sh build test
	$(again) all
	@$(PYTHON) tests/soak/soak.py $(MINUTES) build/migvet

bench:
	@tests/deps.sh build bench
	$(again) all bench-release
	@RUNS=$(RUNS) SECONDS=$(SECONDS) PARTS=$(PARTS) PEERS=$(PEERS) $(PYTHON) -B tests/bench/run.py

# --- source quality ----------------------------------------------------------------------------------------

.PHONY: lint analyze format
lint:
	@tests/deps.sh build test lint
	$(again) all compile_commands.json
	@JOBS=$(JOBS) CC="$(CC)" CLANG="$(CLANG)" tests/lint/run

# Minutes of a machine's time; also looks for findings that are allowed, and gone.
analyze:
	@tests/deps.sh build analyze
	@JOBS=$(JOBS) CC="$(CC)" CLANG="$(CLANG)" tests/analyze.sh

format:
	@tests/deps.sh build lint
	clang-format -i $(c_sources) $(headers)

# --- packaging ---------------------------------------------------------------------------------------------

IMAGE ?= migvet
.PHONY: image
image:
	@tests/deps.sh build image
	$(again) all
	@$(PYTHON) packaging/image.py build/release/migvet --version $(VERSION) --commit $(COMMIT) --name $(IMAGE) \
		--output build/image

# Golden renderings and the package of the chart. HELM_TOOLS is a directory with helm; without it, it is built from Go modules.
.PHONY: chart
chart:
	@tests/deps.sh chart
	@tools=$${HELM_TOOLS:-$$(tests/e2e/tools/build.sh)}; \
	sed -i -E 's/^(version|appVersion): .*/\1: $(VERSION)/; s/(image: migvet):.*/\1:$(VERSION)/' charts/migvet/Chart.yaml; \
	$(PYTHON) tests/chart/render.py --tools "$$tools" --update; \
	"$$tools/helm" package charts/migvet --destination build/chart

# --- the rest ----------------------------------------------------------------------------------------------

comma := ,
define compile_command
{"directory": "$(CURDIR)", "file": "$(1)", "command": "$(CLANG) $(filter-out -MMD -MP,$(COMMON)) -O2 $(PKG_CFLAGS) -c $(1)"}
endef

# Written by make itself: as arguments of a command the text would be too long.
compile_commands.json: FORCE
	$(file >$@.new,[)
	$(foreach s,$(c_sources),$(file >>$@.new,$(call compile_command,$(s))$(if \
		$(filter $(s),$(lastword $(c_sources))),,$(comma))))
	$(file >>$@.new,])
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

.PHONY: install clean help
install: all
	install -D -m 755 build/release/migvet $(DESTDIR)$(PREFIX)/bin/migvet
	ln -sf migvet $(DESTDIR)$(PREFIX)/bin/kubectl-migvet

clean:
	rm -rf build compile_commands.json

help:
	@echo 'make                   build/migvet'
	@echo 'make demo              install what is missing, build, judge an example cluster over HTTPS'
	@echo 'make test              every test: units, fuzz corpora, functional; plain, ASan+UBSan, TSan'
	@echo 'make test-unit         units and corpora, plain build only'
	@echo 'make test-budget       what a review and its event cost in instructions and memory, against tests/budget/budgets.json'
	@echo 'make test-functional   functional tests, plain build only'
	@echo 'make test-e2e          against a real Kubernetes: root, and Go 1.26 to build it once'
	@echo 'make test-asan         the tests under AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make test-tsan         the tests under ThreadSanitizer'
	@echo 'make lint              format, static analysis, layers, purity, rules, banned functions, text'
	@echo 'make analyze           gcc -fanalyzer and the analyser of scan-build: minutes'
	@echo 'make coverage          run the tests, write build/coverage/report/index.html'
	@echo 'make fuzz MINUTES=1    libFuzzer on each target, so many minutes each'
	@echo 'make fuzz-coverage     what the corpora of the fuzz targets reach: minutes of building, then seconds'
	@echo 'make soak MINUTES=1    mixed load at 16 connections while things go wrong, and up to 6 minutes more'
	@echo 'make bench             on an idle machine, 12 minutes: ratios of speed and memory to a floor; PEERS=1: OPA and Kyverno'
	@echo 'make format            clang-format all C files'
	@echo 'make image             build/image/migvet-$(VERSION).tar: a container image, made without docker; and its SBOM'
	@echo 'make chart             render charts/migvet into tests/chart/golden, and package it into build/chart'
	@echo 'make install           into $$(DESTDIR)$$(PREFIX)/bin, with kubectl-migvet beside it'
	@echo 'make deps              install the packages that building needs'
	@echo 'make compile_commands.json, make clean'
