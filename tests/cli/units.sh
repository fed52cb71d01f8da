#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The guide's units under a real systemd: this machine's own, started as the first process of a
# container whose root is an overlay of this machine's. Nothing that is enabled on the machine
# is started in it.
#
# Takes 40 s.

# --- in the container, as a service -----------------------------------------------------
if [ "${1:-}" = inside ]; then
	set -u
	cd /units || exit 1
	exec 2>&1
	export HOME=/root
	PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
	claim() { # SENTENCE COMMAND…
		local sentence=$1 said
		shift
		if said=$("$@" 2>&1); then echo "ok - $sentence"; else printf 'not ok - %s\n%s\n' "$sentence" "$(sed 's/^/#   /' <<<"$said")"; fi
	}
	field() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" | head -1; }
	start() { systemctl start --wait "$1" || { systemctl status "$1"; false; }; }
	# unit NAME [SED]…: installs the guide's unit under that name
	unit() {
		local name=$1
		shift
		sed -e "s/\bapp\b/$name/g; s,/srv/$name,/srv/app,; s/^User=.*/User=app/" -e 's/^\[Service\]/&\nType=oneshot/' "$@" \
			unit >"/run/systemd/system/$name.service"
		systemctl daemon-reload
	}
	served() { # NAME: twice started, and all that could be served was
		rm -rf "/srv/app/__pycache__"
		start "$1" && start "$1" && pycstash stats --dir "/var/cache/$1" --json >stats || return
		[ "$(field hits <stats)" -ge 1 ] && [ "$(field misses <stats)" = 1 ] && [ ! -e /srv/app/__pycache__ ]
	}
	collected() { # NAME
		local name
		rm -f "/var/cache/$1/v1/.state/gc"
		eval "name=$(sed -n "s/\/var\/cache\/app/\/var\/cache\/$1/; s/^systemctl enable --now //p" timer)"
		systemctl enable --now "$name" && start "${name%.timer}.service" && systemctl is-active "$name" &&
			[ -e "/var/cache/$1/v1/.state/gc" ]
	}

	unit app
	claim "systemd: a service of the guide is served" served app
	claim "systemd: the timer of the guide collects in its cache" collected app
	unit dynamic -e 's/^User=.*/DynamicUser=yes/'
	claim "systemd: a service with DynamicUser is served" served dynamic
	claim "systemd: the timer of the guide collects in a cache of DynamicUser's" collected dynamic
	claim "systemd: root's doctor finds a cache of DynamicUser's in order" pycstash doctor --dir /var/cache/dynamic
	claim "systemd: root can look at what is in a cache of DynamicUser's" grep -q helper <(pycstash ls --dir /var/cache/dynamic)
	unit hard -e 's/^PrivateTmp=.*/&\nProtectHome=yes\nPrivateDevices=yes\nProtectProc=invisible\nProcSubset=pid\nNoNewPrivileges=yes/' \
		-e '/^PrivateTmp/a MemoryDenyWriteExecute=yes\nSystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM\nRestrictNamespaces=yes\nLockPersonality=yes\nCapabilityBoundingSet=\nUMask=0077\nRestrictSUIDSGID=yes'
	claim "systemd: a service with all sandbox options is served" served hard
	unit users -e 's/^PrivateTmp=.*/&\nPrivateUsers=yes/'
	claim "systemd: a service in a user namespace is served" served users

	# Without a cache directory, doctor says what the unit lacks; with that, the service is served.
	unit bare -e '/^Environment=\|^CacheDirectory/d; s/^User=.*/DynamicUser=yes/' -e 's/^ExecStart=.*/StandardOutput=file:\/units\/said\nSuccessExitStatus=1\nExecStart=\/usr\/local\/bin\/pycstash doctor/'
	start bare
	remedy=$(sed -n 's/^fail.*add to the unit: //p' said | head -1)
	claim "systemd: doctor says what to add to the unit" sh -c 'cat said; grep -q "^fail.*CacheDirectory" said'
	unit mended -e '/^Environment=\|^CacheDirectory/d' -e "s|^User=.*|DynamicUser=yes\n$(sed 's/, /\\n/g' <<<"$remedy")|"
	ln -s pycstash /var/cache/mended
	claim "systemd: with what doctor says to add, the service is served" served mended

	elsewhere() { unshare -m sh -c "mount -t tmpfs -o ro none /var/tmp && ${1:-} exec env -i PATH=$PATH pycstash doctor" | sed -n 's/^fail.*directory.*; //p'; }
	claim "doctor names a directory that can be written" [ "$(elsewhere)" = 'run: export PYCSTASH_DIR=/tmp/pycstash-0' ]
	claim "doctor names no directory where none can be written" \
		grep -q '^mount a file system' <(elsewhere 'mount -o remount,ro,bind / && mount -t tmpfs -o ro none /tmp && mount -t tmpfs -o ro none /dev/shm &&')

	as_app() { setpriv --reuid=app --regid=app --init-groups env -i HOME=/home/app PATH=$PATH XDG_RUNTIME_DIR="/run/user/$(id -u app)" "$@"; }
	as_app pycstash run -- python3 /srv/app/main.py
	rm -f /home/app/.cache/pycstash/v1/.state/gc
	eval "timer=$(sed -n 's/.*`systemctl --user enable --now \([^`]*\)`.*/\1/p' user)"
	systemctl start "user@$(id -u app).service"
	claim "systemd: the user's timer of the guide can be enabled" as_app systemctl --user enable --now "$timer"
	claim "systemd: what the user's timer starts collects" as_app systemctl --user start --wait "${timer%.timer}.service"
	claim "systemd: the user's cache was collected" test -e /home/app/.cache/pycstash/v1/.state/gc
	echo done
	exit
fi

# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
sentence="the units of the guide work under systemd"
PATH=$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || skip_all "$sentence" "needs root"
type -P systemd-nspawn >/dev/null && [ -x /lib/systemd/systemd ] || skip_all "$sentence" "no systemd-nspawn"
as_user /usr/bin/python3 -c 1 2>/dev/null || skip_all "$sentence" "no /usr/bin/python3"

guide() { # N: the n-th block below the heading
	awk -v n="$1" '/^## / { here = $0 == "## In a systemd service" }
		here && /^```/ { inside = !inside; k += inside; next }
		inside && k == n' "$HERE/docs/guide.md"
}
# The files that the container has in addition to those of this machine.
machine() {
	local root=$1 file to
	rm -f "$root/.dockerenv"
	mkdir -p "$root/units" "$root/usr/local/bin" "$root/usr/local/lib/pycstash" "$root/srv/app" "$root"/etc/systemd/{system,user}
	cp "$0" "$root/units/units.sh"
	guide 1 >"$root/units/unit"
	guide 2 >"$root/units/timer"
	cp "$PYCSTASH" "$root/usr/local/bin/"
	cp "$SO" "$root/usr/local/lib/pycstash/"
	grep '^(`systemctl --user' "$HERE/docs/guide.md" >"$root/units/user"
	for file in "$HERE"/tools/packaging/systemd/*; do
		case $file in *@*) to=system ;; *) to=user ;; esac
		sed 's,@BINDIR@,/usr/local/bin,' "$file" >"$root/etc/systemd/$to/${file##*/}"
	done
	echo 'import helper; print(helper.x)' >"$root/srv/app/main.py"
	echo 'x = 1' >"$root/srv/app/helper.py"
	touch -d '1 hour ago' "$root"/srv/app/*.py
	useradd --root "$root" -m app
	cat >"$root/etc/systemd/system/units.service" <<-'END'
		[Unit]
		After=basic.target
		Requires=basic.target
		SuccessAction=exit-force
		FailureAction=exit-force
		[Service]
		Type=oneshot
		ExecStart=/bin/bash /units/units.sh inside
		StandardOutput=file:/units/out
	END
}
boot() {
	mount -t tmpfs none "$T/overlay" && mkdir "$T/overlay/upper" "$T/overlay/work" "$T/overlay/root" &&
		mount -t overlay none -o "lowerdir=/,upperdir=$T/overlay/upper,workdir=$T/overlay/work" "$T/overlay/root" &&
		machine "$T/overlay/root" || exit
	timeout 200 systemd-nspawn -q --register=no --keep-unit --private-network --link-journal=no \
		--directory "$T/overlay/root" --boot systemd.unit=units.service >"$T/boot" 2>&1 </dev/null
	cp "$T/overlay/root/units/out" "$T/out"
}
mkdir "$T/overlay"
export -f boot machine guide
export T HERE PYCSTASH SO
unshare -m --propagation private bash -c boot "$0"
if [ ! -s "$T/out" ]; then
	skip "$sentence" "systemd does not start in a container here: $(tail -n 1 "$T/boot")"
else
	told <"$T/out"
	check "the script in the container ran to its end" grep -qx 'done' "$T/out"
fi
done_testing
