# SPDX-License-Identifier: PostgreSQL
#
# elpq: one Makefile for everything.  GNU make.  "make help" lists the targets.
#
# Settings come from config.mk, which ./configure writes; on a fresh checkout
# plain "make" bootstraps configure and runs it with $(CONFIGURE_ARGS).  All
# products go to build/.  Paths are relative, so a directory with a space in
# its name works.

.DELETE_ON_ERROR:
.SUFFIXES:

all: libs                               # first target = default

srcdir ?= .
B       = build
support = $(srcdir)/tests/support

# --- configuration ---------------------------------------------------------
# Targets that install packages first, or need no configuration, must not read
# config.mk: making it is what needs those packages.  Each one in WRAPPED calls
# make again for the target of the same name with "run-" in front.
WRAPPED = check demo bench
BARE    = help distclean deps $(WRAPPED)
ifneq ($(filter-out $(BARE),$(or $(MAKECMDGOALS),all)),)
include config.mk
endif

$(srcdir)/configure: $(srcdir)/configure.ac $(srcdir)/include/elpq/version.h
	cd '$(srcdir)' && autoreconf --force
config.mk: $(srcdir)/configure $(srcdir)/lib/config.mk.in \
           $(srcdir)/lib/config.h.in
	@if test -x config.status; \
	then ./config.status --recheck && ./config.status; \
	else '$(srcdir)/configure' $(CONFIGURE_ARGS); fi
	@touch $@

deps_check = build server test
deps_demo  = build server
deps_bench = build server test
define wrapped
	@'$(support)/install-deps' --reconfigure $(deps_$@)
	+@$(MAKE) --no-print-directory run-$@
endef
check:
	$(wrapped)
demo:
	$(wrapped)
bench:
	$(wrapped)
deps:
	@'$(support)/install-deps' --reconfigure build server test

# "make V=1" shows the commands, otherwise one short line stands for each.
say = $(if $(V),,@echo '  $(1)'; )

# --- sources ---------------------------------------------------------------
# Every .c file of a directory belongs to its product, so that adding a file
# needs no edit here.  What is exported is the reviewed list: exports.txt.
# Sources only: a bare VPATH would pick up another tree's objects.
vpath %.c $(srcdir)
sources  = $(patsubst $(srcdir)/%,%,$(sort $(wildcard $(srcdir)/$(1)/*.c)))
obj      = $(patsubst %.c,$(B)/%.o,$(1))
prog     = $(patsubst %.c,$(B)/%,$(1))

LIB_SRC      := $(call sources,lib)
QB_SRC       := $(call sources,qb)
UNIT_SRC     := $(call sources,tests/unit)
DOCS_SRC     := $(call sources,tests/docs)
SERVER_SRC   := $(call sources,tests/server) $(DOCS_SRC)
SWEEP_SRC    := $(call sources,tests/failpoints)
BENCH_SRC    := $(call sources,tests/bench)
LEDGER_SRC   := $(call sources,tests/fault/ledger)
FAIL_SRC     := tests/kit/failpoints.c tests/kit/sweep.c
KIT_SRC      := $(filter-out $(FAIL_SRC) %/faultproxy.c,$(call \
                  sources,tests/kit))
MATRIX_SRC   := $(call sources,tests/fault/matrix)
SUPPORT_SRC  := $(filter-out %/conninfo_env.c,$(call sources,tests/support))
EXAMPLE_SRC  := $(call sources,examples)
HEADERS      := $(sort $(wildcard $(srcdir)/include/elpq/*.h))
MAN          := $(sort $(wildcard $(srcdir)/docs/man/*.[137]))
ifeq ($(strip $(EVHTTP_LIBS)),)          # without evhttp, no HTTP example
EXAMPLE_SRC  := $(filter-out %/http_api.c,$(EXAMPLE_SRC))
endif

UNIT_TESTS   := $(call prog,$(UNIT_SRC))
SWEEPS       := $(B)/tests/failpoints/check_sweeps
SERVER_TESTS := $(call prog,$(SERVER_SRC))
MATRIX       := $(B)/tests/fault/matrix/check_matrix
EXAMPLES     := $(call prog,$(EXAMPLE_SRC))
BENCH        := $(B)/tests/bench/bench
LEDGER       := $(B)/tests/fault/ledger/ledger
BENCH_QB     := $(B)/tests/bench/builder/bench_builder
TSAN_TESTS    = $(filter-out $(PLAIN_ONLY),$(SERVER_TESTS)) \
                $(B)/tests/unit/check_qb_compile # threads

# --- compile ---------------------------------------------------------------
# One object serves both the static and the shared library, hence -fPIC; the
# symbol map decides what the shared one shows.
optimised = $(filter -O1 -O2 -O3 -Os -Og -Ofast -O,$(CFLAGS))
fortify   = $(if $(and $(FORTIFY),$(optimised)),$(if $(findstring \
              _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),,-U_FORTIFY_SOURCE \
              -D_FORTIFY_SOURCE=$(FORTIFY)))
c_flags   = $(WARN_CFLAGS) $(HARDEN_CFLAGS) -fPIC -pthread $(CFLAGS) \
            $(INSTRUMENT) -MMD -MP
cpp_flags = -I. -I'$(srcdir)' -I'$(srcdir)/include' $(dialect) $(fortify) \
            $(DEPS_CFLAGS) $(CPPFLAGS)
ld_flags  = $(CFLAGS) $(INSTRUMENT) -pthread $(HARDEN_LDFLAGS) $(LDFLAGS)

# The driver needs POSIX and a few GNU calls, the builder plain POSIX.  The
# examples see what a user's default compiler flags show.
dialect                          = -std=c11 -D_GNU_SOURCE
$(B)/qb/%.o:       dialect       = -std=c11 -D_POSIX_C_SOURCE=200809L
$(B)/qb/%.o:       DEPS_CFLAGS   =
$(B)/examples/%.o: dialect       = -std=gnu11
$(B)/tests/%.o:    DEPS_CFLAGS  += $(CHECK_CFLAGS)
$(B)/tests/%.o:    CPPFLAGS     += $(if $(PG_QUERY_LIBS),-DHAVE_PG_QUERY=1)

$(B)/%.o: %.c config.mk
	@mkdir -p $(@D)
	$(call say,CC  $<)$(CC) $(cpp_flags) $(c_flags) -c -o $@ $<

ALL_SRC = $(LIB_SRC) $(QB_SRC) $(UNIT_SRC) $(SERVER_SRC) $(BENCH_SRC) \
          $(SWEEP_SRC) \
          $(LEDGER_SRC) \
          tests/bench/builder/bench_builder.c \
          $(SUPPORT_SRC) $(EXAMPLE_SRC) tests/support/conninfo_env.c \
          $(KIT_SRC) $(FAIL_SRC) tests/kit/faultproxy.c $(MATRIX_SRC)
-include $(patsubst %.c,$(B)/%.d,$(ALL_SRC))

# --- libraries: static, and shared with soname and symbol map --------------
libs: $(B)/libelpq.a $(B)/libelpq.so $(B)/libelpq-qb.a $(B)/libelpq-qb.so

$(B)/libelpq.a:       $(call obj,$(LIB_SRC))
$(B)/libelpq-qb.a:    $(call obj,$(QB_SRC))
$(B)/tests/support.a: $(call obj,$(SUPPORT_SRC))
$(B)/libelpq-testkit.a:    $(call obj,$(KIT_SRC))
$(B)/libelpq-failpoints.a: $(call obj,$(FAIL_SRC))
$(B)/%.a:
	@mkdir -p $(@D)
	$(call say,AR  $@)rm -f $@ && $(AR) rcs $@ $^

# exports.txt: one symbol a line, # starts a comment.
exports = sed -e 's/[ \t]*\#.*//' -e '/^[ \t]*$$/d' '$(srcdir)/$(1)/exports.txt'
$(B)/%.map: $(srcdir)/%/exports.txt config.mk
	@mkdir -p $(@D)
	$(call say,MAP $@)symbols=$$($(call exports,$*) | sed 's/$$/;/') && \
	echo "ELPQ_$(SOVERSION) { $${symbols:+global: $$symbols} local: *; };" > $@

# -z,defs catches a missing library; sanitizer runtimes are missing on purpose.
define shared                           # name, objects, map, libraries
$(B)/$(1).so.$(VERSION): $(2) $(3)
	$$(call say,LD  $$@)$$(CC) -shared $$(ld_flags) \
	  -Wl,-soname,$(1).so.$(SOVERSION) -Wl,--version-script,$(3) \
	  $(if $(INSTRUMENT),,-Wl,-z,defs) -Wl,--as-needed -o $$@ $(2) $(4)
$(B)/$(1).so: $(B)/$(1).so.$(VERSION)
	@ln -sf $(1).so.$(VERSION) $(B)/$(1).so.$(SOVERSION)
	@ln -sf $(1).so.$(SOVERSION) $$@
endef
$(eval $(call shared,libelpq,$(call obj,$(LIB_SRC)),$(B)/lib.map,$$(DEPS_LIBS)))
$(eval $(call shared,libelpq-qb,$(call obj,$(QB_SRC)),$(B)/qb.map,))

# --- programs --------------------------------------------------------------
# Tests link the static libraries, and so reach internal functions as well.
tests:    $(UNIT_TESTS) $(SERVER_TESTS) $(MATRIX) $(SWEEPS) \
          $(B)/tests/support/conninfo_env
examples: $(EXAMPLES)

# The test kit, which is installed, and used by the tests here.
KIT_LIBS = libelpq-testkit libelpq-failpoints
kit: $(KIT_LIBS:%=$(B)/%.a) $(B)/faultproxy

archives  = $(B)/libelpq-qb.a $(B)/libelpq.a
test_libs = $(CHECK_LIBS) -Wl,--as-needed $(PG_QUERY_LIBS) $(EVHTTP_LIBS)
link      = @mkdir -p $(@D)$(newline)	$(call say,LD  $@)$(CC) $(ld_flags) \
            $(PIE_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^)
define newline


endef

$(UNIT_TESTS) $(SERVER_TESTS) $(SWEEPS): $(B)/%: $(B)/%.o \
    $(B)/tests/support.a $(archives) $(B)/libelpq-testkit.a
	$(link) $(test_libs) $(DEPS_LIBS)
# Linked only where it is used: it takes the place of malloc() and others.
$(filter %_failpoints,$(SERVER_TESTS)) $(SWEEPS): $(B)/libelpq-failpoints.a
$(SWEEPS): $(call obj,$(SWEEP_SRC))
$(SWEEPS): LDFLAGS += -rdynamic         # so that crashes are told by name
$(SWEEPS): test_libs = $(CHECK_LIBS)    # few: it forks by the thousand
$(MATRIX): $(call obj,$(MATRIX_SRC)) $(B)/tests/support.a $(archives) \
    $(B)/libelpq-testkit.a $(B)/libelpq-failpoints.a
	$(link) $(test_libs) $(DEPS_LIBS)
$(B)/faultproxy: $(B)/tests/kit/faultproxy.o $(B)/libelpq-testkit.a
	$(link) $(DEPS_LIBS)
$(EXAMPLES): $(B)/%: $(B)/%.o $(archives)
	$(link) $(DEPS_LIBS)
$(BENCH): $(call obj,$(BENCH_SRC)) $(archives)
	$(link) $(test_libs) $(DEPS_LIBS)
$(LEDGER): $(call obj,$(LEDGER_SRC)) $(archives) $(B)/libelpq-testkit.a
	$(link) $(DEPS_LIBS)
$(BENCH_QB): $(BENCH_QB).o $(B)/libelpq-qb.a
	$(link) -Wl,--wrap=malloc
$(B)/tests/support/conninfo_env: $(B)/tests/support/conninfo_env.o
	$(link) $(DEPS_LIBS)
# The one program with an HTTP server in it: evhttp.
$(B)/examples/http_api: DEPS_LIBS += $(EVHTTP_LIBS)

# --- tests -----------------------------------------------------------------
# RUN=prefix runs every test program under something (valgrind, gdb --args);
# TESTS="a b" picks programs and leaves the examples out; the CK_* variables of
# Check work as always.
# "make check" installs what is missing, then runs run-check.
with_postgres = '$(support)/with-postgres'
run_tests     = '$(support)/run-tests'
TESTS         = $(SWEEPS) $(UNIT_TESTS) $(SERVER_TESTS) $(MATRIX)
STATIC_CHECKS = check-abi check-headers check-layers check-compile-fail \
                check-cxx check-docs check-hardening
# Two programs at once, but for those that measure times, the one that makes
# many processes (others would measure that), those whose replication slots have
# the same name, those that change the password of a role that others have, and
# that which makes extensions, and drops them, that others have.
JOBS          = 2
ALONE         = %/check_loop %/check_load %/check_matrix \
                %/check_catalog_raw \
                %/check_replication %/check_replication_ends \
                %/check_replication_kills %/driver_replication \
                %/check_auth %/check_session_info %/check_sweeps
run_tests_of  = --jobs $(JOBS) $(filter-out $(ALONE),$(1)) $(2) \
                $(addprefix --jobs 1 ,$(filter $(ALONE),$(1)))
run_examples := $(if $(findstring command,$(origin TESTS)),,--command \
                  "sh '$(srcdir)/examples/run-all' $(B)/examples")
suites        = $(with_postgres) --tls --scram -- $(run_tests) \
                $(call run_tests_of,$(filter-out \
                  $(SKIP),$(TESTS)),$(run_examples) $(1))
export RUN
export ELPQ_TEST_FAULTS = $(srcdir)/docs/faults.md
export ELPQ_CONNINFO_ENV = $(B)/tests/support/conninfo_env

need-check:
	@test '$(HAVE_CHECK)' = yes || \
	  { echo 'Check is missing: run "make deps", then ./configure'; exit 1; }

# A "make check" of a part is without the checks of the whole.
static_checks = $(if $(run_examples),$(foreach c,$(STATIC_CHECKS),--command \
                  '$(MAKE) --no-print-directory $(c)'))
run-check: need-check libs kit tests examples
	+@$(call suites,$(static_checks))

# Only what runs: for the instrumented and the foreign builds.  What makes
# faults by the thousand, or measures what they cost, is for the plain one.
PLAIN_ONLY = %/check_cuts %/check_races %/check_matrix %/check_load \
             %/check_secrets_memory %/check_sweeps
check-suites: SKIP = $(if $(run_examples),$(PLAIN_ONLY))
check-suites: need-check tests $(if $(run_examples),examples)
	@$(suites)
check-unit: TESTS = $(UNIT_TESTS)
check-unit: need-check $(UNIT_TESTS)
	@$(run_tests) --jobs $(JOBS) $(TESTS)

VALGRIND = valgrind --quiet --error-exitcode=99 --leak-check=full \
           --errors-for-leak-kinds=definite,indirect \
           --show-leak-kinds=definite,indirect \
           --suppressions=$(support)/valgrind.supp
# check_loop measures how long turns take, which means nothing here, and the
# routers' servers promote and restart faster than they could follow.
# Failpoints replace malloc(), as valgrind does, which comes first.
# The others compare parse trees, most of the time inside of libpg_query; what
# they render is rendered under AddressSanitizer as well.
check-valgrind: TESTS := $(filter-out %/check_loop %/check_router \
                           %/check_router_% $(PLAIN_ONLY) \
                           %_failpoints \
                           %/check_qb_mutations %/check_qb_corpus \
                           %/check_qb_precedence %/check_qb_statements,$(TESTS))
check-valgrind: RUN = $(VALGRIND)
check-valgrind: export CK_FORK = no
check-valgrind: export CK_TIMEOUT_MULTIPLIER = 20
check-valgrind: export ELPQ_TEST_SLOW = 10
check-valgrind: export TEST_TIMEOUT = 3600
check-valgrind: check-suites

# Builds of their own, out of tree, under build/.
up      = $(if $(filter .,$(srcdir)),../..,$(if $(filter \
            /%,$(srcdir)),$(srcdir),../../$(srcdir)))
variant = @mkdir -p $(B)/$(1)$(newline)+@cd $(B)/$(1) && \
          { test -f config.status || '$(up)/configure' -q $(2); } && \
          $(MAKE) --no-print-directory $(3)
check-asan: export ASAN_OPTIONS  ?= detect_stack_use_after_return=1
check-asan: export UBSAN_OPTIONS ?= print_stacktrace=1
check-asan: export CK_TIMEOUT_MULTIPLIER = 5
check-asan: export ELPQ_TEST_SLOW = 5
check-asan: export TEST_TIMEOUT = 3600
check-asan:
	$(call variant,asan,CFLAGS='-g -O1' --enable-werror \
	  --enable-sanitizers=address$(comma)undefined,check-suites)
check-tsan: export TSAN_OPTIONS ?= suppressions=$(up)/tests/support/tsan.supp
check-tsan: export CK_TIMEOUT_MULTIPLIER = 10
check-tsan: export ELPQ_TEST_SLOW = 10
check-tsan: export TEST_TIMEOUT = 3600
check-tsan:
	$(call variant,tsan,CFLAGS='-g -O1' --enable-werror \
	  --enable-sanitizers=thread,check-suites TESTS='$(TSAN_TESTS)' \
	  RUN='setarch -R')
check-clang:
	$(call variant,clang,CC=clang --enable-werror,check-suites)
comma = ,

# What the suites execute of lib/ and qb/, and fails if that is too little.
# make coverage UNCOVERED=1 lists what they do not.
COVERAGE_LINES    = 95
COVERAGE_BRANCHES = 85
coverage: export CK_TIMEOUT_MULTIPLIER = 5
coverage: export ELPQ_TEST_SLOW = 5
coverage: export UNCOVERED ?=
coverage:
	@find $(B)/coverage -name '*.gcda' -exec rm -f {} + 2>/dev/null || true
	$(call variant,coverage,CFLAGS='-g -O0' --enable-coverage,check-suites \
	  PLAIN_ONLY=%/check_sweeps)
	@'$(support)/coverage' '$(srcdir)' $(B)/coverage \
	  $(COVERAGE_LINES) $(COVERAGE_BRANCHES)

check-debian13:
	'$(support)/check-debian13'
check-helper:
	'$(support)/test-with-postgres'

# Hours of proof, which "make check" has in small: a million random trees, many
# random statements, every change of the operators' table.
SOAK_TREES      = 1000000
SOAK_STATEMENTS = 50000                 # of each kind
SOAK_SEED       = 1
SOAK_TESTS      = $(B)/tests/unit/check_qb_precedence \
                  $(B)/tests/unit/check_qb_statements \
                  $(B)/tests/unit/check_qb_mutations
SOAK_FAULTS     = $(B)/tests/server/check_cuts $(B)/tests/server/check_races
SOAK_CUTS       = 500000
SOAK_SWEEPS     = 1 2 3 4 5 6 7 8 9 10  # rounds
SOAK_RACES      = 1000000
soak: need-check $(SOAK_TESTS) soak-faults soak-ledger
	@ELPQ_TEST_TREES=$(SOAK_TREES) ELPQ_TEST_SEED=$(SOAK_SEED) \
	  ELPQ_TEST_STATEMENTS=$(strip $(SOAK_STATEMENTS)) \
	  ELPQ_TEST_MUTATIONS=all TEST_TIMEOUT=7200 $(run_tests) $(SOAK_TESTS)
soak-faults: need-check $(SOAK_FAULTS) $(SWEEPS)
	@ELPQ_TEST_CUTS=$(SOAK_CUTS) ELPQ_TEST_RACES=$(SOAK_RACES) \
	  TEST_TIMEOUT=14400 $(with_postgres) --tls --scram -- \
	  $(run_tests) $(SOAK_FAULTS)
	@for round in $(SOAK_SWEEPS); do \
	  ELPQ_TEST_ALL=1 TEST_TIMEOUT=7200 $(with_postgres) --tls --scram -- \
	    $(run_tests) $(SWEEPS) || exit 1; done
soak-ledger: $(B)/tests/server/check_load
	@$(MAKE) --no-print-directory ledger SECONDS=3600
	@$(MAKE) --no-print-directory ledger SECONDS=600 REPLICA=1
	@$(MAKE) --no-print-directory ledger SECONDS=600 PGBOUNCER=1
	@$(load_in_full)

# A bank under chaos, and its books: docs/ledger.md.
SECONDS = 60
SEED    = 1
# Caches of malloc must not count as what is left behind.
ledger: export GLIBC_TUNABLES = glibc.malloc.tcache_count=0
ledger: $(LEDGER)
	@$(with_postgres) -- $(LEDGER) --seconds $(SECONDS) --seed $(SEED) \
	  $(if $(REPLICA),--replica) $(if $(PGBOUNCER),--pgbouncer) \
	  --journal $(B)/ledger.journal --plot $(B)/ledger.svg

# Five million statements, and the other loads five times as large.
load_in_full = ELPQ_LOAD=5 ELPQ_TEST_SLOW=1 CK_TIMEOUT_MULTIPLIER=5 \
               $(with_postgres) -- $(run_tests) $(B)/tests/server/check_load
check-load: $(B)/tests/server/check_load
	@$(load_in_full)
check-ledger: $(LEDGER)
	@'$(srcdir)/tests/fault/ledger/check-mistakes' $(with_postgres) $(LEDGER)

# Runs the fault matrix, and writes its table into docs/faults.md.
faults: need-check $(MATRIX)
	@$(with_postgres) --tls --scram -- $(MATRIX) --update

FUZZ_SECONDS = 60
fuzz-smoke: FUZZ_SECONDS = 60
fuzz fuzz-smoke:
	@'$(support)/fuzz' '$(srcdir)' $(B)/fuzz $(FUZZ_SECONDS)

run-demo: $(B)/examples/demo
	@$(with_postgres) -- $(B)/examples/demo $(DEMO_ARGS)
run-bench: $(BENCH)
	@$(with_postgres) -- $(BENCH) $(BENCH_ARGS)
bench-builder: $(BENCH_QB)
	@'$(srcdir)/tests/bench/builder/run' $(BENCH_QB)

# --- checks that need no server ---------------------------------------------
check-abi: libs kit
	@AR='$(AR)' NM='$(NM)' '$(support)/check-abi' '$(srcdir)' $(B)
# Of a build as users have it: a sanitizer brings other code.
hardened = $(HARDEN_CFLAGS) $(HARDEN_LDFLAGS) $(fortify)
check-hardening: $(if $(INSTRUMENT),,libs kit examples)
	@$(if $(INSTRUMENT),echo 'not of an instrumented build',\
	  AR='$(AR)' FLAGS='$(hardened)' '$(support)/check-hardening' $(B) \
	  $(B)/faultproxy $(EXAMPLES))
check-headers:
	@'$(support)/check-headers' '$(srcdir)/include' '$(CC)' '$(CXX)'
check-layers:
	@'$(support)/check-layers' '$(srcdir)'
check-compile-fail:
	@'$(support)/check-compile-fail' '$(srcdir)' '$(CC)'
check-cxx: $(B)/libelpq-qb.a
	@NM='$(NM)' CHECK_LIBS='$(CHECK_LIBS)' '$(support)/check-cxx' '$(srcdir)' \
	  $(B) '$(CC)' '$(CXX)' $(CHECK_CFLAGS) $(INSTRUMENT)
# "make docs" writes the blocks of code into the documents.
.PHONY: check-docs docs
check-docs docs: $(call prog,$(DOCS_SRC))
	@'$(support)/check-docs' $(if $(filter docs,$@),--update) '$(srcdir)' $^
	@'$(support)/check-man' '$(srcdir)' '$(CC) $(DEPS_CFLAGS)'
check-consumer: libs kit
	@MAKE='$(MAKE)' CC='$(CC)' CXX='$(CXX)' CFLAGS='$(INSTRUMENT)' \
	  PKG_CONFIG='$(PKG_CONFIG)' '$(support)/check-consumer' \
	  '$(srcdir)/tests/consumer' '$(libdir)' '$(pkgconfigdir)'

# --- install ---------------------------------------------------------------
# prefix and the other directories may be given here as well as to configure:
# the .pc files are written by this step.
INSTALL = install
PC_FILES = lib/elpq qb/elpq-qb tests/kit/elpq-testkit tests/kit/elpq-failpoints
pc = sed -e 's,@prefix@,$(prefix),' -e 's,@libdir@,$(libdir),' \
         -e 's,@includedir@,$(includedir),' -e 's,@VERSION@,$(VERSION),' \
         -e 's,@SYSTEM_LIBS@,$(SYSTEM_LIBS),'
d_inc = '$(DESTDIR)$(includedir)'
d_lib = '$(DESTDIR)$(libdir)'
d_bin = '$(DESTDIR)$(bindir)'
d_pc  = '$(DESTDIR)$(pkgconfigdir)'
d_man = '$(DESTDIR)$(mandir)'
install: libs kit
	$(INSTALL) -d $(d_inc)/elpq $(d_lib) $(d_pc) $(d_bin)
	for h in $(notdir $(HEADERS)); do \
	  $(INSTALL) -m 644 '$(srcdir)'/include/elpq/$$h $(d_inc)/elpq || exit 1; \
	done
	for l in libelpq libelpq-qb; do \
	  $(INSTALL) -m 644 $(B)/$$l.a $(d_lib) && \
	  $(INSTALL) -m 755 $(B)/$$l.so.$(VERSION) $(d_lib) && \
	  ln -sf $$l.so.$(VERSION) $(d_lib)/$$l.so.$(SOVERSION) && \
	  ln -sf $$l.so.$(SOVERSION) $(d_lib)/$$l.so || exit 1; \
	done
	for l in $(KIT_LIBS); do \
	  $(INSTALL) -m 644 $(B)/$$l.a $(d_lib) || exit 1; \
	done
	$(INSTALL) -m 755 $(B)/faultproxy $(d_bin)
	for f in $(PC_FILES); do \
	  $(pc) '$(srcdir)'/$$f.pc.in > $(d_pc)/$${f##*/}.pc && \
	  chmod 644 $(d_pc)/$${f##*/}.pc || exit 1; \
	done
	for m in $(patsubst $(srcdir)/%,%,$(MAN)); do \
	  $(INSTALL) -d $(d_man)/man$${m##*.} && \
	  $(INSTALL) -m 644 '$(srcdir)'/$$m $(d_man)/man$${m##*.} || exit 1; \
	done

uninstall:
	for h in $(notdir $(HEADERS)); do rm -f $(d_inc)/elpq/$$h; done
	-rmdir $(d_inc)/elpq
	for l in libelpq libelpq-qb; do \
	  rm -f $(d_lib)/$$l.a $(d_lib)/$$l.so $(d_lib)/$$l.so.$(SOVERSION) \
	    $(d_lib)/$$l.so.$(VERSION); \
	done
	for l in $(KIT_LIBS); do rm -f $(d_lib)/$$l.a; done
	rm -f $(d_bin)/faultproxy
	for f in $(PC_FILES); do rm -f $(d_pc)/$${f##*/}.pc; done
	for m in $(notdir $(MAN)); do rm -f $(d_man)/man$${m##*.}/$$m; done

# --- release ---------------------------------------------------------------
# The tarball is what is committed, plus configure, so that building from it
# needs neither autoconf nor automake.  Same commit, same bytes.
D = elpq-$(VERSION)
dist: $(srcdir)/configure
	git -C '$(srcdir)' archive --prefix=$(D)/ HEAD > $(D).tar
	tar -rf $(D).tar -C '$(srcdir)' --owner=root:0 --group=root:0 --mode=755 \
	  --mtime="@$$(git -C '$(srcdir)' log -1 --format=%ct)" \
	  --transform 's,^,$(D)/,' configure
	gzip -9nf $(D).tar
# Read-only source, build elsewhere, test, install, uninstall, clean: nothing
# may be left, neither installed nor built.  A clone makes the same tarball.
DISTCHECK_TARGET = run-check
distcheck: dist
	-@chmod -R u+w $(B)/distcheck 2>/dev/null
	rm -rf $(B)/distcheck && mkdir -p $(B)/distcheck/b
	git clone -q '$(srcdir)' $(B)/distcheck/clone
	umask 077 && $(MAKE) -s -C $(B)/distcheck/clone dist
	cmp $(D).tar.gz $(B)/distcheck/clone/$(D).tar.gz
	tar -xzf $(D).tar.gz -C $(B)/distcheck
	chmod -R a-w $(B)/distcheck/$(D)
	cd $(B)/distcheck/b && ../$(D)/configure -q --prefix=/usr && \
	  $(MAKE) && $(MAKE) $(DISTCHECK_TARGET) && \
	  $(MAKE) -s install DESTDIR="$$PWD/../root" && \
	  $(MAKE) -s uninstall DESTDIR="$$PWD/../root" && \
	  test -z "$$(find ../root -type f -o -type l)" && \
	  $(MAKE) distclean && test -z "$$(ls -A)"
	chmod -R u+w $(B)/distcheck && rm -rf $(B)/distcheck
	@echo '$(D).tar.gz is good'

clean:                                  # the Debian folder is costly: keep it
	find $(B) -mindepth 1 -maxdepth 1 ! -name debian13 -exec rm -rf {} +
distclean:
	rm -rf $(B) autom4te.cache config.mk config.h config.log config.status
	$(if $(filter .,$(srcdir)),,rm -f Makefile)

help:
	@sed -n 's|^## \{0,1\}||p' '$(srcdir)/Makefile'

## V=1 shows the commands.  Targets:
##
## make                 build both libraries, static and shared, in build/
## make demo            install what is missing, run the demo on a private
##                      throw-away PostgreSQL           (DEMO_ARGS=...)
## make check           install what is missing, run every test the same way
##                      (TESTS="build/tests/unit/x", RUN=prefix,
##                      CK_RUN_CASE=...)
## make deps            install what building and testing need
## make check-unit      only the tests without a server
## make check-suites    unit and server tests and examples, installing nothing
## make check-asan      the suites under AddressSanitizer and UBSan
## make check-tsan      the server suites under ThreadSanitizer
## make check-valgrind  the suites under valgrind
## make check-clang     the suites built by clang, warnings as errors
## make check-debian13  the suites in a Debian 13 folder (needs root)
## make check-abi       the libraries export what exports.txt says
## make check-headers   each public header compiles alone, as C11 and C++17
## make check-cxx       the builder renders the same for C++ as for C
## make check-layers    no file includes a higher floor
## make check-docs      the code in docs/ is that of tests/docs/, and the man
##                      pages render
## make docs            write it there
## make check-consumer  programs outside the tree build through pkg-config
## make check-compile-fail   misuse that must not compile does not
## make check-hardening the hardening flags did what they are for
## make coverage        lines and branches of lib/ and qb/ that the suites
##                      execute; fails if too few (UNCOVERED=1 lists them)
## make check-helper    test tests/support/with-postgres itself
## make soak            the builder's random trees, a million of them, random
##                      statements, and every change of its table of operators
##                      (SOAK_TREES, SOAK_STATEMENTS, SOAK_SEED)
## make faults          the matrix of faults, its table written to
##                      docs/faults.md
## make soak-faults     of it, cuts of connections and races of cancels only
##                      (SOAK_CUTS, SOAK_RACES)
## make fuzz            libFuzzer on builder, decoders, sessions and conninfo
##                      (FUZZ_SECONDS=60 each); fuzz-smoke: a minute each
## make soak-ledger     of it, the ledger only, for an hour
## make ledger          a bank under chaos, and its books (SECONDS=60, SEED=1,
##                      REPLICA=1 or PGBOUNCER=1); plots build/ledger.svg
## make check-load      check_load, five times as large
## make check-ledger    its verification finds the mistakes of a bad bank
## make bench           benchmarks on a private PostgreSQL
## make bench-builder   what building statements costs; needs no server
## make examples        build the examples
## make kit             build the test kit
## make install         into prefix, with DESTDIR; also uninstall
## make dist            source tarball; distcheck proves it
## make clean           remove build/; distclean: the configuration as well

.PHONY: all libs kit tests examples $(WRAPPED) $(WRAPPED:%=run-%) deps \
  need-check bench-builder check-suites check-unit check-valgrind check-asan \
  check-tsan check-clang check-debian13 check-helper check-abi check-headers \
  check-hardening check-layers check-compile-fail check-cxx check-consumer \
  coverage soak soak-faults soak-ledger faults \
  ledger check-ledger check-load fuzz fuzz-smoke install uninstall \
  dist distcheck clean distclean help
