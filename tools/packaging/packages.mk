# SPDX-License-Identifier: MIT
#
# Packages, in build/packages. Each is built from the committed sources or from the output of
# PORTABLE, with the time of the last commit, so that the same commit and the same tools give
# the same bytes, wherever, whenever and by whomever they are built.

packages := build/packages
portable := build/portable
machine := $(shell uname -m)
tarball := $(packages)/pycstash-$(VERSION).tar.gz
.PHONY: portable portable-musl portable-aarch64 wheel wheel-musl wheel-aarch64 deb rpm apk dist distcheck
.PHONY: test-packages test-elsewhere release-check

# Only for these targets, because SOURCE_DATE_EPOCH changes what Python compiles. The files of
# a tarball have the commit's time.
makes_package := portable portable-musl portable-aarch64 wheel wheel-musl wheel-aarch64 deb rpm apk dist distcheck
$(makes_package): export SOURCE_DATE_EPOCH ?= $(or $(if $(wildcard .git),$(shell git log -1 --format=%ct 2>/dev/null)),$(shell stat -c %Y Makefile))
# So that tools' messages, names in lists and the order of files are the same everywhere.
$(makes_package): export LC_ALL := C
$(makes_package): export TZ := UTC

small := -g0 -ffile-prefix-map=$(CURDIR)=.
part = umask 022 && $(MAKE) --no-print-directory MODE=release
# The headers of libraries that are loaded on demand; libc's own come first.
other_headers := -idirafter /usr/include -idirafter /usr/include/$(machine)-linux-gnu
any_glibc = CPPFLAGS='-DPORTABLE $(CPPFLAGS)' CFLAGS='$(small) $(CFLAGS)' \
	LDFLAGS='-s -Wl,--no-as-needed,-l:libpthread.so.0,-l:libdl.so.2,--as-needed $(LDFLAGS)'
portable: ## build a library and a command that any glibc since 2.17 can load
	+$(Q)$(part) OUT=$(portable) $(any_glibc) all

# The library is the one built for glibc, which also works in musl programs.
portable-musl: portable ## build a command that needs no libc at all
	$(Q)mkdir -p $(portable)-musl && touch $(portable)-musl/.need-build
	+$(Q)$(part) CC=musl-gcc HOSTCC='$(CC)' OUT=$(portable)-musl CPPFLAGS='$(other_headers) $(CPPFLAGS)' \
		CFLAGS='$(small) $(CFLAGS)' LIBB2="$$($(CC) -print-file-name=libb2.a)" LDFLAGS='-s -static -no-pie -Wl,-z,stack-size=2097152 $(LDFLAGS)' \
		$(portable)-musl/pycstash
	$(Q)rm -rf $(portable)-musl/pages && cp -R $(portable)/pages $(portable)-musl/
	$(Q)cp $(portable)/libpycstash.so $(portable)-musl/

# libb2.a is in libb2-dev:arm64; LIBB2_AARCH64=FILE selects a different one.
LIBB2_AARCH64 ?= -l:libb2.a
portable-aarch64: portable ## the same as portable for arm64, with aarch64-linux-gnu-gcc
	$(Q)mkdir -p $(portable)-aarch64 && touch $(portable)-aarch64/.need-build
	+$(Q)$(part) CC=aarch64-linux-gnu-gcc HOSTCC='$(CC)' LIBB2='$(LIBB2_AARCH64)' OUT=$(portable)-aarch64 \
		$(subst -DPORTABLE,-DPORTABLE $(other_headers),$(any_glibc)) \
		$(portable)-aarch64/pycstash $(portable)-aarch64/libpycstash.so
	$(Q)rm -rf $(portable)-aarch64/pages && cp -R $(portable)/pages $(portable)-aarch64/

wheel: portable ## make a wheel for every glibc since 2.17
	$(Q)python3 tools/packaging/wheel.py $(portable) $(VERSION) manylinux_2_17_$(machine).manylinux2014_$(machine) $(packages)

wheel-musl: portable-musl ## make a wheel for musl (Alpine)
	$(Q)python3 tools/packaging/wheel.py $(portable)-musl $(VERSION) musllinux_1_1_$(machine) $(packages)

wheel-aarch64: portable-aarch64 ## make a wheel for glibc on arm64
	$(Q)python3 tools/packaging/wheel.py $(portable)-aarch64 $(VERSION) manylinux_2_17_aarch64.manylinux2014_aarch64 $(packages)

deb: ## make packages for Debian and Ubuntu
	$(Q)rm -rf build/deb/root
	+$(Q)$(part) OUT=build/deb $(any_glibc) DESTDIR=build/deb/root prefix=/usr \
		libdir=/usr/lib/$$(dpkg-architecture -q DEB_HOST_MULTIARCH)/pycstash install
	$(Q)tools/packaging/deb build/deb/root $(VERSION) $(packages)

# Packs the last commit or, in an unpacked tarball, the files that were in the tarball.
dist: ## make a tarball, and its checksum; SIGN='minisign -S -m' signs it
	$(Q)rm -rf build/dist && mkdir -p $(packages) build/dist/pycstash-$(VERSION)
	$(Q)if [ -e .git ]; then git archive --format=tar HEAD; \
		else tar --exclude=./build --exclude=./config.mak -cf - .; fi | tar -C build/dist/pycstash-$(VERSION) -xf -
	$(Q)cd build/dist && tar --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
		--mtime=@$$SOURCE_DATE_EPOCH -cf - pycstash-$(VERSION) | gzip -9n >../../$(tarball)
	$(Q)rm -rf build/dist && cd $(packages) && sha256sum pycstash-$(VERSION).tar.gz >pycstash-$(VERSION).tar.gz.sha256
	$(if $(SIGN),$(Q)$(SIGN) $(tarball))
	@echo $(tarball)

# Fills in the version and the time in a file of this folder.
filled = sed "s/@VERSION@/$(VERSION)/; s/@DATE@/$$(date -u -d @$$SOURCE_DATE_EPOCH '+%a %b %d %Y')/; \
	s/@SHA512@/$$(sha512sum <$(tarball) | cut -d' ' -f1)/"
# If rpm did not install the compiler and the headers, it does not know of them.
rpmbuild = rpmbuild --define "_topdir $$PWD" --define '_buildhost localhost' --define '_smp_mflags -j2' \
	--define 'use_source_date_epoch_as_buildtime 1' --define 'clamp_mtime_to_source_date_epoch 1' \
	$$(rpm -q gcc >/dev/null 2>&1 || echo --nodeps) --quiet

rpm: dist ## make packages for Fedora and RHEL: source and binary
	$(Q)rm -rf build/rpm && umask 022 && mkdir -p build/rpm/SOURCES build/rpm/SPECS && \
		install -m 644 $(tarball) build/rpm/SOURCES/ && \
		$(filled) tools/packaging/pycstash.spec >build/rpm/SPECS/pycstash.spec
# The source package contains the spec, with the names of its folders filled in.
	$(Q)umask 022 && cd build/rpm && { $(rpmbuild) -bb SPECS/pycstash.spec && \
		$(rpmbuild) --define '_topdir .' -bs SPECS/pycstash.spec; } >build.log 2>&1 || { tail -n 20 build.log; exit 1; }
	$(Q)cp build/rpm/SRPMS/*.rpm build/rpm/RPMS/*/pycstash-$(VERSION)-*.rpm $(packages)/
	@ls $(packages)/*.rpm

apk: dist ## make the APKBUILD for Alpine, beside the tarball
	$(Q)$(filled) tools/packaging/APKBUILD >$(packages)/APKBUILD
	@echo $(packages)/APKBUILD

distcheck: dist ## build and test what the tarball has, and make the tarball of that
	$(Q)rm -rf build/distcheck && mkdir -p build/distcheck
	$(Q)tar -C build/distcheck -xzf $(tarball)
	+$(Q)cd build/distcheck/pycstash-$(VERSION) && unset SOURCE_DATE_EPOCH && \
		$(MAKE) --no-print-directory OUT=build WERROR=-Werror tests && tests/run build unit tests/lint/rooms.sh && \
		$(MAKE) --no-print-directory DESTDIR="$$PWD/root" prefix=/usr install && \
		root/usr/bin/pycstash run -- true && \
		$(MAKE) --no-print-directory DESTDIR="$$PWD/root" prefix=/usr uninstall && \
		[ -z "$$(find root ! -type d)" ] && rm -r root && \
		$(MAKE) --no-print-directory dist && cmp $(tarball) ../../../$(tarball)
	$(Q)rm -rf build/distcheck

test-packages: tests | $(OUT)/.need-packages ## make the packages twice, compare them, and use them
	$(Q)PACKAGES=twice SUITE_TIMEOUT=100000 tests/run build packages

release-check: ## walk through what has to hold before a release (STEPS="tree version": those)
	$(Q)tools/packaging/release-check $(STEPS)

test-elsewhere: wheel deb tests | $(OUT)/.need-elsewhere ## use the packages in roots of other systems, which debootstrap makes in $ELSEWHERE
	$(Q)SUITE_TIMEOUT=100000 tests/run build elsewhere
# A row is kept until its platform is tested again.
	$(Q){ sed '/^| [^-s]/d' docs/platforms.md; cat build/platforms/* docs/platforms.md | grep '^| [^-s]' | \
		awk -F '|' '{ what = $$6; sub(/:.*/, "", what) } !seen[$$2 $$3 what]++' | sort; } >build/platforms.md && \
		mv build/platforms.md docs/platforms.md
