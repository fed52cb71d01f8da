# SPDX-License-Identifier: MIT
#
# `make help` lists the targets. Settings, on the command line or in config.mak:
#   MODE=release|debug|asan|ubsan|tsan|cov   another build, under build/MODE
#   CC, CPPFLAGS, CFLAGS, LDFLAGS        yours, added after our own
#   HOSTCC                               compiler of programs that run during the build, if CC is a cross compiler
#   LIBB2                                how to link libb2 if there is no libb2.a: -lb2
#   WERROR=-Werror                       stop at warnings
#   V=1                                  show the commands
#   DESTDIR, prefix                      where `make install` puts things
-include config.mak

VERSION := 0.2.0
MODE ?= release
CC := $(if $(filter default undefined,$(origin CC)),cc,$(CC))
export CC
HOSTCC ?= $(CC)
LIBB2 ?= -l:libb2.a
prefix ?= /usr/local
bindir ?= $(prefix)/bin
libdir ?= $(prefix)/lib/pycstash
sysconfdir ?= /etc
mandir ?= $(prefix)/share/man
unitdir ?= $(prefix)/lib/systemd
bashcompdir ?= $(prefix)/share/bash-completion/completions
zshcompdir ?= $(prefix)/share/zsh/site-functions
fishcompdir ?= $(prefix)/share/fish/vendor_completions.d

comma := ,
OUT := $(if $(filter release,$(MODE)),build,build/$(MODE))
Q := $(if $(V),,@)

# --- flags ---------------------------------------------------------------------------
modes := release debug asan ubsan tsan cov
flags.release := -O2 -g
flags.debug := -O0 -g3
flags.asan := -O1 -g -fsanitize=address -fno-omit-frame-pointer
flags.ubsan := -O1 -g -fsanitize=undefined -fno-sanitize-recover=all
flags.tsan := -O1 -g -fsanitize=thread
flags.cov := -O0 -g --coverage
ifeq ($(filter $(MODE),$(modes)),)
$(error MODE=$(MODE): there are $(modes))
endif

std := -std=gnu11 -D_GNU_SOURCE -I.
# Unneeded results are cast to void, which does not satisfy the headers of a fortified libc.
# A callback has all the parameters of its type, even those it does not use.
warn := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wpointer-arith \
	-Wundef -Wvla -Wwrite-strings -Wformat=2 \
	-Wno-unused-result -Wno-unused-parameter $(WERROR)
own := $(std) $(warn) $(flags.$(MODE)) -fPIC -fvisibility=hidden -fno-delete-null-pointer-checks
link := -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed
link.so := -shared -nostartfiles -Wl,-z,nodelete
# A library linked to musl's libc.so would end every glibc program that loads it, so it is not
# linked to libc: it uses the libc that the program has loaded already.
macros := $(shell $(CC) -E -dM -include features.h -x c /dev/null 2>/dev/null | grep -owE '__GLIBC__|__LP64__|__i386__|__linux__')
ifeq ($(if $(macros),$(filter __LP64__ __i386__,$(macros)),unknown),)
$(error $(CC) builds for 32 bits, where only i386 has a library yet: see docs/platforms.md)
endif
# Use 64-bit types, without a warning about the layout of atomic ones before gcc 11.
ifneq ($(filter __i386__,$(macros)),)
std += -D_FILE_OFFSET_BITS=64 -Wno-psabi
own += -D_FILE_OFFSET_BITS=64 -Wno-psabi
endif
ifeq ($(filter __GLIBC__,$(macros)),)
any_libc := -nodefaultlibs -lgcc
else ifneq ($(filter release debug,$(MODE)),)
link.so += -Wl,-z,defs
endif

# The flags if this compiler supports them, otherwise nothing.
has = $(shell echo | $(CC) -O2 -Werror $1 -include stdio.h -x c -c -o /dev/null - 2>/dev/null && echo '$1')
ifeq ($(MODE),release)
branches := $(call has,-fcf-protection)$(call has,-mbranch-protection=standard)
hardened := -fstack-protector-strong $(branches)
# A packager's own level of fortification takes precedence.
ifeq ($(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),)
fortified := $(or $(call has,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif
# libb2.a lacks these notes, and the linker writes a note only if all parts have it. No code
# of libb2 that we use is the target of an indirect branch, so the notes are true. On arm64
# the processor enforces the note: there, libc's own start files decide.
ifneq ($(filter -fcf-protection,$(branches)),)
link += -Wl,-z,ibt,-z,shstk
else ifneq ($(if $(branches),$(shell readelf -nW "$$($(CC) -print-file-name=crti.o)" 2>/dev/null | grep BTI)),)
link += -Wl,-z,force-bti
endif
endif

# --- sources -------------------------------------------------------------------------
# Folders below shim/core, tools and tests/unit are found, not listed.
core := $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard shim/core/*/*.c)))
shim := $(patsubst %.c,$(OUT)/%.o,$(wildcard shim/*.c))
tools := $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard tools/*.c tools/*/*.c))) $(OUT)/tools/embedded.o
unit_sources := $(sort $(wildcard tests/unit/*.c tests/unit/*/*.c))
units := $(patsubst %.c,$(OUT)/%,$(foreach c,$(unit_sources),$(if $(filter test_%,$(notdir $c)),$c)))
# One binary per file; those called lib… are shared objects.
helper_sources := $(filter-out tests/unit/%,$(wildcard tests/*/*.c))
helpers := $(foreach c,$(helper_sources:.c=),$(OUT)/$c$(if $(filter lib%,$(notdir $c)),.so))
unit_support := $(patsubst %.c,$(OUT)/%.o,$(foreach c,$(unit_sources),$(if $(filter test_%,$(notdir $c)),,$c)))
objects := $(core) $(shim) $(tools) $(unit_support)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all help deps tests test test-cpython test-programs torture fuzz fuzz-parsers inject coverage bench demo docs check-style style install uninstall clean

all: $(OUT)/libpycstash.so $(OUT)/pycstash $(OUT)/pages/made ## build the library and the command

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9_.-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@sed -n '/^# make help/,/^-include/{/^#   /s/^# //p}' Makefile

# --- requirements --------------------------------------------------------------------
# Only these targets install packages; all others report what is missing.
installs := $(filter deps demo test test-cpython test-programs torture fuzz fuzz-parsers inject bench coverage,$(MAKECMDGOALS))
need := .ci/need $(if $(installs),--install)
deps: ## install what building needs
	$(Q)$(need) build

$(OUT)/.need-%: .ci/need
	$(Q)$(need) $* $(filter demo test bench,$(MAKECMDGOALS))
	$(Q)mkdir -p $(@D) && touch $@
# One after the other, because apt-get takes a lock.
$(OUT)/.need-unit $(OUT)/.need-demo: | $(OUT)/.need-build
$(OUT)/.need-test $(OUT)/.need-bench: | $(OUT)/.need-unit
$(OUT)/.need-programs: | $(OUT)/.need-test
$(OUT)/.need-test $(OUT)/.need-programs: tests/programs/packaged.table

# --- building ------------------------------------------------------------------------
$(OUT)/%.o: %.c Makefile | $(OUT)/.need-build
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "CC    $@")
	$(Q)$(CC) $(own) $(hardened) $(fortified) $(CPPFLAGS) $(CFLAGS) $(last) -MMD -MP -c $< -o $@

# Files that are embedded in the program as strings: scripts without their comment lines, and
# the help of the commands.
scripts := tools/pyc/code.py tools/verify/recompile.py tools/warm/warm_worker.py tools/fleet/canonical.py tools/cmd/wrap.sh tools/cmd/wrap_gc.sh
help_texts := $(sort $(wildcard tools/cmd/help/*.txt))
quoted = sed 's|@SYSCONFDIR@|$(sysconfdir)|; s/[\\"]/\\&/g; s/.*/"&\\n"/'
$(OUT)/tools/embedded.c: $(scripts) $(help_texts) Makefile | $(OUT)/.need-build
	$(Q)mkdir -p $(@D)
	$(Q){ echo '#include "tools/base/embedded.h"'; \
	for file in $(scripts); do \
		name=$${file##*/}; echo "const char embedded_$${name%.*}[] ="; sed '/^#/d' $$file | $(quoted); echo ';'; \
	done; \
	echo 'const struct embedded_help embedded_help[] = {'; \
	for file in $(help_texts); do \
		name=$${file##*/}; echo "{ \"$${name%.*}\","; $(quoted) $$file; echo '},'; \
	done; echo '{ 0 } };'; } >$@
$(OUT)/tools/embedded.o: $(OUT)/tools/embedded.c
	$(Q)$(CC) $(own) $(hardened) $(fortified) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# The wrappers give libc's names to our functions, in assembler that link-time optimization
# does not see. Fortified headers would rename or inline what is wrapped. And the wrappers
# have no frame that a stack protector could protect. These flags come last, so that CFLAGS
# cannot undo them.
$(OUT)/shim/calls.o: last := -fno-lto -fno-stack-protector -U_FORTIFY_SOURCE
$(OUT)/shim/core/base/digest.o: last := -fno-lto
$(OUT)/tools/%.o: own += -DPYCSTASH_VERSION='"$(VERSION)"'
# What names the places where things are installed is made again for other places.
places := $(OUT)/.for$(subst /,_,$(libdir)$(sysconfdir))
$(places): | $(OUT)/.need-build
	$(Q)rm -f $(OUT)/.for_* && touch $@
placed := $(OUT)/tools/python/library.o $(OUT)/tools/conf/conf.o
$(placed): own += -DPYCSTASH_LIBDIR='"$(libdir)"' -DPYCSTASH_SYSCONFDIR='"$(sysconfdir)"'
$(placed) $(OUT)/tools/embedded.c $(OUT)/pages/made: $(places)

$(OUT)/shim/gen/list: shim/gen/list.c shim/calls.def shim/exceptions.def shim/core/cache/settings_library.def shim/core/stats/verdict.def tools/conf/settings_command.def | $(OUT)/.need-build
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(std) $< -o $@

$(OUT)/pycstash.map: $(OUT)/shim/gen/list
	$(Q)$< version-script > $@

$(OUT)/core.a: $(core)
	$(if $(V),,@echo "AR    $@")
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# For the unit tests: the whole command except its main.
$(OUT)/tools.a: $(filter-out $(OUT)/tools/main.o,$(tools))
	$(if $(V),,@echo "AR    $@")
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Code that runs when a program starts is placed together: each page costs a page fault.
starts := $(OUT)/shim/init.o $(OUT)/shim/next.o $(OUT)/shim/core/cache/config.o $(OUT)/shim/core/cache/ephemeral.o
$(OUT)/libpycstash.so: $(shim) $(OUT)/core.a $(OUT)/pycstash.map
	$(if $(V),,@echo "LD    $@")
	$(Q)$(CC) $(own) $(CFLAGS) $(link) $(link.so) $(LDFLAGS) -Wl,--version-script=$(OUT)/pycstash.map,--exclude-libs,ALL \
		$(starts) $(filter-out $(starts),$(shim)) $(OUT)/core.a $(LIBB2) $(any_libc) -o $@.new && mv $@.new $@

$(OUT)/pycstash: $(tools) $(OUT)/core.a
	$(if $(V),,@echo "LD    $@")
	$(Q)$(CC) $(own) $(CFLAGS) -pie $(link) $(LDFLAGS) $(tools) $(OUT)/core.a $(LIBB2) -pthread -ldl -o $@

# Manual pages and completions.
page_sources := $(wildcard tools/gen/*) $(wildcard docs/man/*)
$(OUT)/pages/made: $(OUT)/pycstash $(OUT)/shim/gen/list $(page_sources)
	$(Q)rm -rf $(@D) && mkdir -p $(@D)/man $(@D)/completions
	$(if $(V),,@echo "PAGES $(@D)")
	$(Q)LC_ALL=C awk -f tools/gen/pages.awk -v bin=$(OUT)/pycstash -v list=$(OUT)/shim/gen/list -v out=$(@D) \
		-v version=$(VERSION) -v libdir=$(libdir) -v sysconfdir=$(sysconfdir) && touch $@

$(unit_sources:%.c=$(OUT)/%.o): | $(OUT)/.need-unit
$(units): %: %.o $(unit_support) $(OUT)/tools.a $(OUT)/core.a
	$(Q)$(CC) $(own) $(CFLAGS) $(LDFLAGS) $^ $(LIBB2) -lcmocka -pthread -ldl -o $@

helper_needs := $(wildcard tests/*/*.h tests/*/*.def) shim/calls.def shim/calls.h
helper_build = $(CC) $(std) $(warn) -O1 -g $(CPPFLAGS) $(CFLAGS) $< -o $@ $(helper_libs) -lpthread -ldl
# It measures the digest of the library.
$(OUT)/tests/bench/floor: $(OUT)/core.a
$(OUT)/tests/bench/floor: helper_libs = $(flags.$(MODE)) $(OUT)/core.a $(LIBB2)
$(OUT)/tests/fuzz/parsers: $(OUT)/tools.a $(OUT)/core.a
$(OUT)/tests/fuzz/parsers: helper_libs = $(flags.$(MODE)) $(OUT)/tools.a $(OUT)/core.a $(LIBB2)

# They also define libc's names without 64.
$(OUT)/tests/library/libat.so $(OUT)/tests/library/libmapped.so $(OUT)/tests/torture/libshort.so: helper_libs = -U_FILE_OFFSET_BITS
$(filter %.so,$(helpers)): $(OUT)/tests/%.so: tests/%.c $(helper_needs) | $(OUT)/.need-build
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "CC    $@")
	$(Q)$(helper_build) -shared -fPIC

$(filter-out %.so,$(helpers)): $(OUT)/tests/%: tests/%.c $(helper_needs) | $(OUT)/.need-build
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "CC    $@")
	$(Q)$(helper_build)

-include $(objects:.o=.d) $(units:=.d)

# --- testing -------------------------------------------------------------------------
tests: all $(units) $(helpers) ## build all that the tests run

test: tests | $(OUT)/.need-test ## run all tests but those of CPython and of other systems
	$(Q)tests/run $(OUT) $(TIER)

test-cpython: all | $(OUT)/.need-test ## run CPython's own tests with and without the library
	$(Q)tests/run $(OUT) cpython

test-programs: all | $(OUT)/.need-test $(OUT)/.need-programs ## run programs of Debian's packages (PROGRAMS="gdb vim")
	$(Q)PROGRAMS="$${PROGRAMS:-all}" SUITE_TIMEOUT=7200 tests/run $(OUT) tests/programs/packaged.sh

torture: all $(helpers) | $(OUT)/.need-test ## edit, purge and kill while many import, for TORTURE_SECONDS
	$(Q)TORTURE_SECONDS=$${TORTURE_SECONDS:-300} tests/run $(OUT) torture

fuzz: all $(helpers) | $(OUT)/.need-test ## compare random calls with and without the library (SEEDS=0:1000)
	$(Q)SEEDS=$${SEEDS:-0:1000} LENGTH=$${LENGTH:-200} SUITE_TIMEOUT=100000 tests/run $(OUT) tests/fuzz/calls.sh

# With clang's libFuzzer and sanitizers; its findings stay in build/parsers/NAME.
parsers := path pyc header seal journal configuration source archive elf
fuzz-parsers: tests | $(OUT)/.need-fuzz ## fuzz each parser for SECONDS=60
	$(Q)mkdir -p build/parsers
	$(Q)clang $(std) $(warn) -DLIBFUZZER -g -O1 -fsanitize=fuzzer,address,undefined -DPYCSTASH_VERSION='"$(VERSION)"' \
		-DPYCSTASH_LIBDIR='"$(libdir)"' -DPYCSTASH_SYSCONFDIR='"$(sysconfdir)"' tests/fuzz/parsers.c \
		$(sort $(wildcard shim/core/*/*.c)) $(filter-out tools/main.c tools/cmd/%,$(sort $(wildcard tools/*/*.c))) \
		$(OUT)/tools/embedded.c $(LIBB2) -o build/parsers/fuzz
	$(Q)for name in $(parsers); do \
		mkdir -p build/parsers/$$name && $(OUT)/tests/fuzz/parsers $$name build/parsers/$$name <tests/fuzz/parsers.corpus >/dev/null 2>&1 && \
		PARSER=$$name build/parsers/fuzz -max_total_time=$(or $(SECONDS),60) -max_len=65536 -print_final_stats=1 -close_fd_mask=3 \
			-artifact_prefix=build/parsers/$$name. build/parsers/$$name 2>build/parsers/$$name.log || { tail -30 build/parsers/$$name.log; exit 1; }; \
		sed -n "s/^stat::number_of_executed_units: */$$name: inputs /p" build/parsers/$$name.log; \
	done

inject: all $(helpers) | $(OUT)/.need-test ## let each system call of an import fail, for TORTURE_SECONDS
	$(Q)TORTURE_SECONDS=$${TORTURE_SECONDS:-3000} SUITE_TIMEOUT=100000 tests/run $(OUT) tests/torture/inject.sh

coverage: ## run the tests under gcov (TIER=unit: those) and print what no test reaches
	$(Q)$(MAKE) MODE=cov tests
	$(Q)find build/cov -name '*.gcda' -delete
	$(Q)-tests/run build/cov $(TIER)
	$(Q)gcov -n $$(find build/cov/shim build/cov/tools -name '*.gcda') 2>/dev/null | \
		awk -F "[':% ]+" '/^File/ { file = $$2 } \
			/^Lines/ && file ~ /^(shim|tools).*c$$/ && !seen[file]++ { print $$3 "% of " $$5, file }' | sort -n

bench: all $(helpers) | $(OUT)/.need-bench ## measure: instructions, system calls, start-up
	$(Q)tests/bench/run $(OUT)

demo: all | $(OUT)/.need-demo ## show the main job on this machine's Python
	$(Q)tests/demo $(OUT)

# --- keeping house -------------------------------------------------------------------
.PHONY: compile_commands.json
compile_commands.json: ## tell editors and clang-tidy how each file is compiled
	$(Q)$(MAKE) -nB V=1 $(objects) | awk -v dir="$(CURDIR)" ' \
		/ -c [^ ]+\.c -o / { match($$0, / -c [^ ]+/); file = substr($$0, RSTART + 4, RLENGTH - 4); \
			gsub(/["\\]/, "\\\\&"); \
			printf "%s{\"directory\": \"%s\", \"file\": \"%s\", \"command\": \"%s\"}", (n++ ? ",\n" : "[\n"), dir, file, $$0 } \
		END { print "\n]" }' > $@

docs: $(OUT)/shim/gen/list $(OUT)/pycstash ## write the generated pages of docs/ again
	$(Q)$< interposed > docs/interposed.md
	$(Q)$< settings > docs/settings.md
	$(Q)$< verdicts > docs/verdicts.md
	$(Q){ printf '# Commands\n\n<!-- Made of `pycstash help` by `make docs`. -->\n'; \
	for name in $$($(OUT)/pycstash help | sed -n '/^Exit codes/q; s/^  \([a-z]*\)   *.*/\1/p'); do \
		printf '\n## %s\n\n```\n' $$name; $(OUT)/pycstash help $$name; echo '```'; \
	done; } > docs/commands.md

sources = $(shell find shim tools tests -name '*.[ch]')
check-style: | $(OUT)/.need-style ## check the format of the sources
	$(Q)clang-format --dry-run -Werror $(sources)

style: | $(OUT)/.need-style ## put the sources into that format
	$(Q)clang-format -i $(sources)

install: all ## install below $(prefix), or $(DESTDIR)$(prefix)
	$(Q)install -d $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)
	$(Q)install -m 755 $(OUT)/pycstash $(DESTDIR)$(bindir)/pycstash
# Under a temporary name first, because running programs have the old library mapped.
	$(Q)install -m 644 $(OUT)/libpycstash.so $(DESTDIR)$(libdir)/.libpycstash.so.new
	$(Q)mv -f $(DESTDIR)$(libdir)/.libpycstash.so.new $(DESTDIR)$(libdir)/libpycstash.so
	$(Q)for page in $(OUT)/pages/man/*; do \
		install -D -m 644 $$page $(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/} || exit 1; \
	done
	$(Q)install -D -m 644 $(OUT)/pages/completions/pycstash $(DESTDIR)$(bashcompdir)/pycstash
	$(Q)install -D -m 644 $(OUT)/pages/completions/_pycstash $(DESTDIR)$(zshcompdir)/_pycstash
	$(Q)install -D -m 644 $(OUT)/pages/completions/pycstash.fish $(DESTDIR)$(fishcompdir)/pycstash.fish
# Units with an instance are system units, the others are user units.
	$(Q)for unit in tools/packaging/systemd/*; do \
		case $$unit in *@*) to=system ;; *) to=user ;; esac; \
		install -d $(DESTDIR)$(unitdir)/$$to || exit 1; \
		sed 's|@BINDIR@|$(bindir)|' $$unit | \
			install -m 644 /dev/stdin $(DESTDIR)$(unitdir)/$$to/$${unit##*/} || exit 1; \
	done
	@echo "pycstash $(VERSION): $(DESTDIR)$(bindir)/pycstash, $(DESTDIR)$(libdir)/libpycstash.so,"
	@echo "manual pages, completions and systemd units"
	$(if $(DESTDIR),,@echo "next: $(bindir)/pycstash doctor")

uninstall: ## delete what install has put there
	$(Q)rm -f $(DESTDIR)$(bindir)/pycstash $(DESTDIR)$(libdir)/libpycstash.so
	$(Q)rm -f $(addprefix $(DESTDIR)$(mandir)/,man1/pycstash.1 man1/pycstash-*.1 \
		man5/pycstash.conf.5 man7/libpycstash.7)
	$(Q)rm -f $(DESTDIR)$(bashcompdir)/pycstash $(DESTDIR)$(zshcompdir)/_pycstash \
		$(DESTDIR)$(fishcompdir)/pycstash.fish
	$(Q)rm -f $(DESTDIR)$(unitdir)/system/pycstash-gc@.* $(DESTDIR)$(unitdir)/user/pycstash-gc.*
	$(Q)rmdir $(DESTDIR)$(libdir) 2>/dev/null || true

include tools/packaging/packages.mk

clean: ## delete what was built
	$(Q)rm -rf build
