# SPDX-License-Identifier: MIT
#
# Packages, below build/packages. Each is made of the committed sources or of what
# PORTABLE builds, with the time of the last commit, so that the same commit makes the
# same bytes on the same tools.

packages := build/packages
portable := build/portable
machine := $(shell uname -m)
tarball := $(packages)/pycstash-$(VERSION).tar.gz
# A tarball has the commit's time on its files.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y Makefile)

.PHONY: portable portable-musl wheel wheel-musl deb rpm apk dist distcheck test-packages test-elsewhere

small := -g0 -ffile-prefix-map=$(CURDIR)=.
part = $(MAKE) --no-print-directory MODE=release
any_glibc = CPPFLAGS='-DPORTABLE $(CPPFLAGS)' CFLAGS='$(small) $(CFLAGS)' \
	LDFLAGS='-s -Wl,--no-as-needed,-l:libpthread.so.0,-l:libdl.so.2,--as-needed $(LDFLAGS)'

portable: ## build a library and a command that any glibc since 2.17 can load
	+$(Q)$(part) OUT=$(portable) $(any_glibc) all

# The library is that of glibc: it works in programs of musl.
portable-musl: portable ## build a command that needs no libc at all
	$(Q)mkdir -p $(portable)-musl/lib
	$(Q)ln -sf "$$(gcc -print-file-name=libb2.a)" $(portable)-musl/lib/
	$(Q)touch $(portable)-musl/.need-build # by the headers of glibc, which `portable` has
	+$(Q)$(part) CC=musl-gcc OUT=$(portable)-musl \
		CPPFLAGS='-idirafter /usr/include -idirafter /usr/include/$(machine)-linux-gnu $(CPPFLAGS)' \
		CFLAGS='$(small) $(CFLAGS)' \
		LDFLAGS='-L$(portable)-musl/lib -s -static -no-pie -Wl,-z,stack-size=2097152 $(LDFLAGS)' \
		$(portable)-musl/pycstash $(portable)-musl/pages/made
	$(Q)cp $(portable)/libpycstash.so $(portable)-musl/

wheel: portable ## make a wheel for every glibc since 2.17
	$(Q)python3 tools/packaging/wheel.py $(portable) $(VERSION) manylinux_2_17_$(machine).manylinux2014_$(machine) $(packages)

wheel-musl: portable-musl ## make a wheel for musl (Alpine)
	$(Q)python3 tools/packaging/wheel.py $(portable)-musl $(VERSION) musllinux_1_1_$(machine) $(packages)

deb: ## make packages for Debian and Ubuntu
	$(Q)rm -rf build/deb/root
	+$(Q)$(part) OUT=build/deb $(any_glibc) DESTDIR=build/deb/root prefix=/usr \
		libdir=/usr/lib/$$(dpkg-architecture -q DEB_HOST_MULTIARCH)/pycstash install
	$(Q)tools/packaging/deb build/deb/root $(VERSION) $(packages)

dist: ## make a tarball of the last commit
	$(Q)mkdir -p $(packages)
	$(Q)git archive --format=tar --prefix=pycstash-$(VERSION)/ HEAD | gzip -9n >$(tarball)
	@echo $(tarball)

# The version and the time in a file of this folder.
filled = sed "s/@VERSION@/$(VERSION)/; s/@DATE@/$$(LC_ALL=C date -u -d @$(SOURCE_DATE_EPOCH) '+%a %b %d %Y')/; \
	s/@SHA512@/$$(sha512sum <$(tarball) | cut -d' ' -f1)/"

rpm: dist ## make a source package for Fedora and RHEL, and a binary one where rpm has what it needs
	$(Q)mkdir -p build/rpm/SOURCES build/rpm/SPECS && cp $(tarball) build/rpm/SOURCES/
	$(Q)$(filled) tools/packaging/pycstash.spec >build/rpm/SPECS/pycstash.spec
	$(Q)cd build/rpm && rpmbuild --define "_topdir $$PWD" --define '_buildhost localhost' \
		--define 'use_source_date_epoch_as_buildtime 1' --define 'clamp_mtime_to_source_date_epoch 1' \
		--quiet -bs SPECS/pycstash.spec && cp SRPMS/*.rpm ../packages/
	$(Q)! rpm -q gcc libb2-devel >/dev/null 2>&1 || { cd build/rpm && \
		rpmbuild --define "_topdir $$PWD" --quiet -bb SPECS/pycstash.spec && cp RPMS/*/*.rpm ../packages/; }

apk: dist ## make the APKBUILD for Alpine, beside the tarball
	$(Q)$(filled) tools/packaging/APKBUILD >$(packages)/APKBUILD
	@echo $(packages)/APKBUILD

distcheck: dist ## build and test what the tarball has
	$(Q)rm -rf build/distcheck && mkdir -p build/distcheck
	$(Q)tar -C build/distcheck -xzf $(tarball)
	$(Q)cd build/distcheck/pycstash-$(VERSION) && $(MAKE) --no-print-directory OUT=build WERROR=-Werror tests && \
		tests/run build unit tests/lint/rooms.sh && \
		$(MAKE) --no-print-directory DESTDIR="$$PWD/root" prefix=/usr install && \
		root/usr/bin/pycstash run -- true && \
		$(MAKE) --no-print-directory DESTDIR="$$PWD/root" prefix=/usr uninstall && \
		[ -z "$$(find root ! -type d)" ]
	$(Q)rm -rf build/distcheck

test-packages: ## make the packages twice, compare them, and use them
	$(Q)tests/run build packages

test-elsewhere: wheel deb tests ## use the packages in roots of other systems, which debootstrap makes in $ELSEWHERE
	$(Q)tests/run build elsewhere
	$(Q){ sed '/^| [^-s]/d' docs/platforms.md; sort build/platforms/*; } >build/platforms.md && \
		mv build/platforms.md docs/platforms.md
