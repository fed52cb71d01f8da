# SPDX-License-Identifier: MIT
#
# make help says what there is. Knobs, on the command line or in config.mak:
#   MODE=release|debug|asan|ubsan|tsan   another build, under build/MODE
#   CC, CPPFLAGS, CFLAGS, LDFLAGS        yours; added behind our own
#   WERROR=-Werror                       stop at warnings
#   V=1                                  show the commands
#   DESTDIR, prefix                      where `make install` puts things
-include config.mak

VERSION := 0.1.0
MODE ?= release
CC := $(if $(filter default undefined,$(origin CC)),cc,$(CC))
export CC
prefix ?= /usr/local
bindir ?= $(prefix)/bin
libdir ?= $(prefix)/lib/pycstash
sysconfdir ?= /etc
mandir ?= $(prefix)/share/man
bashcompdir ?= $(prefix)/share/bash-completion/completions
zshcompdir ?= $(prefix)/share/zsh/site-functions
fishcompdir ?= $(prefix)/share/fish/vendor_completions.d

comma := ,
OUT := $(if $(filter release,$(MODE)),build,build/$(MODE))
Q := $(if $(V),,@)

# --- flags ---------------------------------------------------------------------------
flags.release := -O2 -g
flags.debug := -O0 -g3
flags.asan := -O1 -g -fsanitize=address -fno-omit-frame-pointer
flags.ubsan := -O1 -g -fsanitize=undefined -fno-sanitize-recover=all
flags.tsan := -O1 -g -fsanitize=thread
ifeq ($(flags.$(MODE)),)
$(error MODE=$(MODE): there are release, debug, asan, ubsan and tsan)
endif

std := -std=gnu11 -D_GNU_SOURCE -I.
warn := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wpointer-arith \
	-Wundef -Wvla -Wwrite-strings -Wformat=2 $(WERROR)
# The wrapper of open must not be checked, inlined or renamed on the way: no fortify here.
own := $(std) $(warn) $(flags.$(MODE)) -fPIC -fvisibility=hidden -fno-delete-null-pointer-checks
hardened := $(if $(filter release,$(MODE)),-fstack-protector-strong)
link.so := -shared -Wl,-z,relro,-z,now,-z,nodelete,-z,noexecstack,--as-needed \
	$(if $(filter release debug,$(MODE)),-Wl$(comma)-z$(comma)defs)


# --- what there is -------------------------------------------------------------------
# Folders below shim/core, tools and tests/unit are found, not listed.
core := $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard shim/core/*/*.c)))
shim := $(patsubst %.c,$(OUT)/%.o,$(wildcard shim/*.c))
tools := $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard tools/*.c tools/*/*.c)))
unit_sources := $(sort $(wildcard tests/unit/*.c tests/unit/*/*.c))
units := $(patsubst %.c,$(OUT)/%,$(foreach c,$(unit_sources),$(if $(filter test_%,$(notdir $c)),$c)))
# One binary a file; those called lib… are shared objects.
helper_sources := $(filter-out tests/unit/%,$(wildcard tests/*/*.c))
helpers := $(foreach c,$(helper_sources:.c=),$(OUT)/$c$(if $(filter lib%,$(notdir $c)),.so))
unit_support := $(patsubst %.c,$(OUT)/%.o,$(foreach c,$(unit_sources),$(if $(filter test_%,$(notdir $c)),,$c)))
objects := $(core) $(shim) $(tools) $(unit_support)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all help tests test test-cpython torture bench demo docs check-style style install uninstall clean

all: $(OUT)/libpycstash.so $(OUT)/pycstash ## build the library and the command

help: ## say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@sed -n '/^# make help/,/^-include/{/^#   /s/^# //p}' Makefile

# --- what it needs -------------------------------------------------------------------
need/%: ; $(Q).ci/need $*
$(OUT)/.need-%: .ci/need
	$(Q).ci/need $*
	$(Q)mkdir -p $(@D) && touch $@

# --- building ------------------------------------------------------------------------
$(OUT)/%.o: %.c | $(OUT)/.need-build
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "CC    $@")
	$(Q)$(CC) $(own) $(hardened) $(flags.$*) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# The assembler takes it in, which -MMD does not see.
$(OUT)/tools/warm/warm_compile.o: tools/warm/warm_worker.py

# The wrappers pay for no stack protector: they have no frame.
$(OUT)/shim/calls.o: hardened :=
$(OUT)/tools/%.o: own += -DPYCSTASH_VERSION='"$(VERSION)"' -DPYCSTASH_LIBDIR='"$(libdir)"' \
	-DPYCSTASH_SYSCONFDIR='"$(sysconfdir)"'

$(OUT)/shim/gen/list: shim/gen/list.c shim/calls.def shim/exceptions.def shim/core/cache/config.def shim/core/stats/verdict.def tools/conf/settings.def | $(OUT)/.need-build
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(std) $< -o $@

$(OUT)/pycstash.map: $(OUT)/shim/gen/list
	$(Q)$< version-script > $@

$(OUT)/core.a: $(core)
	$(if $(V),,@echo "AR    $@")
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# For the unit tests: all of the command but its main.
$(OUT)/tools.a: $(filter-out $(OUT)/tools/main.o,$(tools))
	$(if $(V),,@echo "AR    $@")
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OUT)/libpycstash.so: $(shim) $(OUT)/core.a $(OUT)/pycstash.map
	$(if $(V),,@echo "LD    $@")
	$(Q)$(CC) $(own) $(LDFLAGS) $(link.so) -Wl,--version-script=$(OUT)/pycstash.map,--exclude-libs,ALL \
		$(shim) $(OUT)/core.a -l:libb2.a -o $@.new && mv $@.new $@

$(OUT)/pycstash: $(tools) $(OUT)/core.a
	$(if $(V),,@echo "LD    $@")
	$(Q)$(CC) $(own) $(LDFLAGS) $(tools) $(OUT)/core.a -l:libb2.a -pthread -o $@

$(units): %: %.o $(unit_support) $(OUT)/tools.a $(OUT)/core.a
	$(Q)$(CC) $(own) $(LDFLAGS) $^ -l:libb2.a -lcmocka -pthread -o $@

helper_needs := $(wildcard tests/*/*.h tests/*/*.def) shim/calls.def shim/calls.h
helper_build = $(CC) $(std) $(warn) -O1 -g $(CPPFLAGS) $(CFLAGS) $< -o $@ $(helper_libs) -lpthread -ldl
# The digest that is measured is the library's.
$(OUT)/tests/bench/floor: $(OUT)/core.a
$(OUT)/tests/bench/floor: helper_libs = $(OUT)/core.a -l:libb2.a

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

test: tests | $(OUT)/.need-test ## run all tests
	$(Q)tests/run $(OUT) $(TIER)

test-cpython: all | $(OUT)/.need-test ## run CPython's own tests with and without the library
	$(Q)tests/run $(OUT) cpython

torture: all $(helpers) | $(OUT)/.need-test ## edit, purge and kill while many import, for TORTURE_SECONDS
	$(Q)TORTURE_SECONDS=$${TORTURE_SECONDS:-300} tests/run $(OUT) torture

bench: all $(helpers) | $(OUT)/.need-bench ## measure: instructions, system calls, start-up
	$(Q)tests/bench/run $(OUT)

demo: all | $(OUT)/.need-demo ## show the main job on this machine's Python
	$(Q)tests/demo $(OUT)

# --- keeping house -------------------------------------------------------------------
docs: $(OUT)/shim/gen/list $(OUT)/pycstash ## make the generated pages of docs/ anew
	$(Q)$< interposed > docs/interposed.md
	$(Q)$< settings > docs/settings.md
	$(Q)$< verdicts > docs/verdicts.md
	$(Q){ printf '# Commands\n\n<!-- Made of `pycstash help` by `make docs`. -->\n'; \
	for name in $$($(OUT)/pycstash help --man | sed -n 's/^pycstash-\(.*\)\.1$$/\1/p'); do \
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
# Under another name first: programs that run have the old library mapped.
	$(Q)install -m 644 $(OUT)/libpycstash.so $(DESTDIR)$(libdir)/.libpycstash.so.new
	$(Q)mv -f $(DESTDIR)$(libdir)/.libpycstash.so.new $(DESTDIR)$(libdir)/libpycstash.so
	$(Q)set -e; for page in $$($(OUT)/pycstash help --man); do \
		$(OUT)/pycstash help --man $$page | \
			install -D -m 644 /dev/stdin $(DESTDIR)$(mandir)/man$${page##*.}/$$page; \
	done
	$(Q)$(OUT)/pycstash help --completion bash | install -D -m 644 /dev/stdin $(DESTDIR)$(bashcompdir)/pycstash
	$(Q)$(OUT)/pycstash help --completion zsh | install -D -m 644 /dev/stdin $(DESTDIR)$(zshcompdir)/_pycstash
	$(Q)$(OUT)/pycstash help --completion fish | install -D -m 644 /dev/stdin $(DESTDIR)$(fishcompdir)/pycstash.fish

uninstall: ## take away what install put there
	$(Q)rm -f $(DESTDIR)$(bindir)/pycstash $(DESTDIR)$(libdir)/libpycstash.so
	$(Q)rm -f $(addprefix $(DESTDIR)$(mandir)/,man1/pycstash.1 man1/pycstash-*.1 \
		man5/pycstash.conf.5 man7/libpycstash.7)
	$(Q)rm -f $(DESTDIR)$(bashcompdir)/pycstash $(DESTDIR)$(zshcompdir)/_pycstash \
		$(DESTDIR)$(fishcompdir)/pycstash.fish
	$(Q)rmdir $(DESTDIR)$(libdir) 2>/dev/null || true

clean: ## take away what was built
	$(Q)rm -rf build
