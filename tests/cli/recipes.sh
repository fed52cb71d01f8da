#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The recipes of docs/guide.md work: the text of each block is run here, in a mount namespace
# with a machine of its own (/srv, /opt, /var/cache, /usr/local), as the user that the recipe
# names. If a manager would read the block (systemd, Docker, a cluster), its lines are parsed
# and what they ask for is done by hand.
#
# Takes 30 s.
. "$(dirname "$0")/../lib/tap.sh"

mounts() { unshare -m --propagation private bash -c "$1"' && shift && exec "$@"' - "$@"; }
if [ "$(id -u)" != 0 ] || ! mounts true true 2>/dev/null || ! as_user /usr/bin/python3 -c 1 2>/dev/null; then
	skip_all "the recipes of the guide work" "needs root, mount namespaces and /usr/bin/python3"
fi
PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin

# block HEADING N: prints the text of the n-th block below that heading
block() {
	awk -v heading="## $1" -v n="$2" '/^## / { here = $0 == heading }
		here && /^```/ { inside = !inside; k += inside; next }
		inside && k == n' "$HERE/docs/guide.md" | grep . || not_ok "the guide has block $2 of '$1'"
}
setting() { sed -n "s/^$2=//p" <<<"$1"; } # of a unit: its values, a line each
plain() { env -i HOME="$HOME" LOGNAME=root SHELL=/bin/sh PATH=/usr/bin:/bin "$@"; } # as cron starts it
# served CACHE SENTENCE: a module was served from that cache, and no bytecode is in the tree
served() {
	is "$(pycstash stats --dir "$1" --json | /usr/bin/python3 -c 'import json, sys
c = json.load(sys.stdin)["counts"]
print(c["hits"] > 0)') $(ls -d /srv/app/__pycache__ 2>/dev/null)" "True " "$2"
}
twice() { "$@" && "$@" || not_ok "it runs" "$*"; } >/dev/null
machine() {
	mounts 'for d in /srv /opt /var/cache /usr/local; do mount -t tmpfs -o mode=755 none $d || exit; done' \
		"$0" inside "$T" "$@"
}

# --- the recipes ----------------------------------------------------------------------
wrappers() {
	local heading="As the interpreter: wrappers" line
	eval "$(block "$heading" 1)"
	twice plain "$HOME/bin/python3" /srv/app/main.py
	served ~/.cache/pycstash "a wrapper on PATH is served"
	rm -r ~/.cache
	twice eval "$(block "$heading" 2)"
	served ~/.cache/pycstash "a wrapper after env -i is served"
	rm -r ~/.cache
	/usr/bin/python3 -m venv --without-pip /srv/venv || return
	twice plain sh -c "export PATH=/usr/local/bin:\$PATH; $(block "$heading" 3)"
	served ~/.cache/pycstash "a virtual environment is served"
	rm -r ~/.cache
	twice plain sh -c "export PATH=/usr/local/bin:\$PATH; $(block "$heading" 4)"
	served ~/.cache/pycstash "a shell session is served"
	rm -r ~/.cache
	line=$(block "$heading" 5)
	twice plain /bin/sh -c "${line#* \* \* \* }"
	served ~/.cache/pycstash "a line of a crontab is served"
}

service() {
	local heading="In a systemd service" unit dir mode start environment user
	for user in 65534 61184; do # User=, and one that DynamicUser= makes up
		unit=$(block "$heading" 1)
		dir=/var/cache/$(setting "$unit" CacheDirectory) mode=$(setting "$unit" CacheDirectoryMode)
		install -d -m "$mode" -o $user -g $user "$dir"
		mapfile -t environment < <(setting "$unit" Environment | sed 's,%C,/var/cache,')
		start=$(setting "$unit" ExecStart)
		# shellcheck disable=SC2086 # its words; the cache can be written, the rest cannot
		twice mounts "mount --bind $dir $dir && mount -o remount,ro,bind /srv && mount -o remount,ro,bind /usr/local" \
			setpriv --reuid=$user --regid=$user --clear-groups \
			env -i PATH=/usr/bin:/bin HOME=/nonexistent "${environment[@]}" $start
		served "$dir" "a service that runs as user $user is served, and root can look at its cache"
		await pycstash gc -q --as-owner --dir "$dir" # the one that it has started may hold the lock
		[ $user = 65534 ] && rm -r "$dir"
	done
	if type -P systemd-escape >/dev/null; then
		touch -d '2 days ago' "$dir/v1/.state/gc"
		local name path
		name=$(eval "echo $(block "$heading" 2 | sed -n 's/^systemctl enable --now //p')")
		path=$(systemd-escape --unescape --path "$(sed 's/.*@\(.*\)\.timer/\1/' <<<"$name")")
		start=$(setting "$(cat "$HERE/tools/packaging/systemd/${name%%@*}@.service")" ExecStart | sed "s,@BINDIR@,/usr/local/bin,; s,%f,$path,")
		check "the timer's service runs" $start
		is "$path $(find "$dir/v1/.state/gc" -mmin -5 -user $user | wc -l)" "$dir 1" "the timer collects in the service's cache, as its owner"
	else
		skip "the timer collects in the service's cache" "no systemd-escape"
	fi
	dir=/var/cache/pycstash-www
	install -d -m 700 -o 65534 $dir
	twice as_user env -i PATH=/usr/bin:/bin HOME=/var/www sh -c "$(block "$heading" 3); exec /usr/bin/python3 /srv/app/main.py"
	served "$dir" "Apache's environment serves mod_wsgi"
}

# Prints the command of a container: the variables of ENV lines, then the words of CMD.
container_start() { # DOCKERFILE
	sed -n 's/^ENV //p' <<<"$1" | tr ' ' '\n'
	sed -n 's/^CMD //p' <<<"$1" | /usr/bin/python3 -c 'import json; print("\n".join(json.loads(input())))'
}
container() {
	local heading="In a container" file run user start tmpfs
	file=$(block "$heading" 1) run=$(block "$heading" 2)
	user=$(sed -n 's/^USER //p' <<<"$file")
	mapfile -t start < <(container_start "$file")
	sh -c "$(sed -n 's/^RUN \(pycstash .*\)/\1/p' <<<"$file")" >/dev/null
	tmpfs=$(sed -n 's/.*--tmpfs \([^ ]*\) .*/\1/p' <<<"$run")
	mkdir "$T/root" "$T/cache"
	export T tmpfs
	inside_container() { # a read-only root, and nothing that can be written but the tmpfs
		mounts 'mount --rbind / $T/root && mount --bind $T/cache $T/cache &&
			mkdir -p /srv/empty && mount -o remount,ro,bind $T/root && for d in srv opt usr/local var/cache; do
			mount -o remount,ro,bind $T/root/$d || exit; done' \
			chroot "$T/root" setpriv --reuid="$user" --regid="$user" --clear-groups \
			env -i PATH=/usr/bin:/bin HOME=/ PYCSTASH_LOG=stderr "$@" 2>&1
	}
	check "the container's program runs, served by the layer of its image" \
		grep -q 'hit (.*layer).*\|hit (layer): /srv/app/__pycache__/helper\|hit: /srv/app/__pycache__/helper.*(layer)' \
		<(inside_container "${start[@]}")
	is "${tmpfs%%:*} $(grep -c 'PYCSTASH_DIR=/cache/' <<<"$file") $(grep -c -- '--read-only' <<<"$run")" "/cache 1 1" \
		"the container's cache is below what --tmpfs mounts"
}

one_file() {
	if ! command -v mksquashfs >/dev/null || ! losetup -f >/dev/null 2>&1; then
		skip "a layer in one file is served" "no squashfs here"
		return
	fi
	local heading="Layers: bytecode that comes with an image"
	eval "$(block "$heading" 2)" >/dev/null
	plain PYCSTASH_LAYERS=/opt/bytecode PYCSTASH_LOG="$T/log" \
		LD_PRELOAD=/usr/local/lib/pycstash/libpycstash.so /usr/bin/python3 /srv/app/main.py >/dev/null
	is "$(grep -c 'hit: /srv/app/__pycache__/helper.*(layer)' "$T/log")" 1 "a layer in one file is served"
	echo 'edited = 1' >>/srv/app/helper.py
	rm "$T/log"
	eval "$(block "$heading" 2)" >/dev/null
	plain PYCSTASH_LAYERS=/opt/bytecode PYCSTASH_LOG="$T/log" \
		LD_PRELOAD=/usr/local/lib/pycstash/libpycstash.so /usr/bin/python3 /srv/app/main.py >/dev/null
	is "$(grep -c 'hit: /srv/app/__pycache__/helper.*(layer)' "$T/log")" 1 "a layer in one file is made again after an edit"
	umount /opt/bytecode
	umount /opt/bytecode
}

cluster_pod() {
	local yaml mount environment user
	yaml=$(block "In Kubernetes and OpenShift" 1)
	mount=$(sed -n 's/.*mountPath: \([^}]*\)}.*/\1/p' <<<"$yaml")
	mapfile -t environment < <(sed -n 's/.*{name: \([A-Z_]*\), value: \([^}]*\)}.*/\1=\2/p' <<<"$yaml" | sed "s,=$mount/,=/var/cache/pod/,")
	mkdir /var/cache/pod
	mount -t tmpfs -o mode=0777,size=256M none /var/cache/pod
	for user in 1000 1000710000; do # OpenShift makes one up
		twice setpriv --reuid=$user --regid=0 --clear-groups env -i PATH=/usr/bin:/bin HOME=/ "${environment[@]}" \
			/usr/bin/python3 /srv/app/main.py
		served "$(printf '%s\n' "${environment[@]}" | sed -n 's/^PYCSTASH_DIR=//p')" "a pod that runs as user $user is served"
		rm -r /var/cache/pod/*
	done
}

shared_host() {
	local heading="On a shared host" etc=/usr/local/etc home=/srv/home looking
	user() { # HOME COMMAND: in a login shell
		setpriv --reuid=65534 --regid=65534 --clear-groups env -i PATH=/usr/local/bin:/usr/bin:/bin \
			HOME="$1" PYCSTASH_SYSCONFDIR=$etc PYCSTASH_LOG="$1/log" sh -c ". $etc/profile.d/pycstash.sh; $2"
	}
	export PYCSTASH_SYSCONFDIR=$etc
	mkdir -p $etc/profile.d $home
	install -d -m 700 -o 65534 $home/anna $home/ben
	sh -c "$(block "$heading" 1 | sed "s,/etc/,$etc/,")"
	twice user $home/anna "python3 /srv/app/main.py"
	served $home/anna/.cache/pycstash "on a shared host, login shells are served"
	is "$(user $home/anna "pycstash config get max_size")" 1G "the settings that root has made for all users are used"
	looking=$(block "$heading" 4 | sed "s,/home/,$home/,")
	cd "$T" && await sh -ec "$looking" >"$T/out" # a gc that the shell has started may hold the lock
	is "$(grep -c '^1 host: . process' "$T/out")" 1 "root can look at users' caches, and add up their counts"
	twice sh -ec "$(block "$heading" 3)" # in a new layer, and in one that is there
	user $home/ben "python3 /srv/app/main.py" >/dev/null
	is "$(grep -c 'hit: /srv/app/__pycache__/helper.*(layer)' $home/ben/log)" 1 "users are served by the layer that root has made"
	mv /usr/local/bin/pycstash "$T"
	is "$(user $home/ben "echo on" 2>&1)" on "after an uninstall, the line of the login shells is silent"
	mv "$T/pycstash" /usr/local/bin
	is "$(block "$heading" 2)" "export PYCSTASH_DIR=/scratch/\$USER/pycstash" "a variable of the login shell can put the caches elsewhere"
}

nodes() {
	local heading="On a cluster"
	sh -c "$(block "$heading" 1)"
	rm -r /tmp/bytecode
	sh -c "$(block "$heading" 2)" >/dev/null
	served "/dev/shm/pycstash-$(id -u)" "a node is served at its first start"
	rm -r "/dev/shm/pycstash-$(id -u)"
}

# Runs the commands of a CI job in a fresh checkout, with the cache that the last job saved.
job() { # DIR COMMANDS; with $HOME
	mkdir -p "$1" && cd "$1" || return
	printf 'import helper\ndef test(): assert helper.x\n' >test_it.py
	cp /srv/app/helper.py .
	env -i PATH="$PATH" HOME="$HOME" sh -ec "$2" >"$T/out" 2>&1 || not_ok "the job works" "$(cat "$T/out")"
	cd / && is "$(ls -d "$1/__pycache__" 2>/dev/null)" "" "the job leaves no __pycache__ in its checkout"
}
integration() {
	local heading="In continuous integration" commands
	if ! /usr/bin/python3 -c 'import pytest' 2>/dev/null; then
		skip "the jobs of CI find their bytecode" "no pytest"
		return
	fi
	commands=$(block "$heading" 1 | sed -n 's/^- run: //p')
	job /srv/one/checkout "$commands"
	pycstash stats --zero
	job /srv/two/checkout "$commands"
	is "$(pycstash stats --json | /usr/bin/python3 -c 'import json, sys
print(json.load(sys.stdin)["counts"]["reused"] > 0)')" True "GitHub: another checkout finds its bytecode"
	local home=$HOME variable
	variable=$(block "$heading" 2 | sed -n 's/^  \(PYCSTASH_DIR\): /\1=/p')
	HOME=$T/theirs # as in a job with `container:`
	install -d -o 65534 "$HOME"
	job /srv/five/checkout "$commands; rm -r __pycache__"
	is "$(ls -A "$HOME")" "" "GitHub: root makes no cache in another user's home directory, and the job works"
	job /srv/six/checkout "export $variable; $commands"
	job /srv/seven/checkout "export $variable; $commands; PYCSTASH_LOG=$T/log pycstash run -- /usr/bin/python3 -c 'import helper'"
	is "$(grep -q ' hit: .*/helper\.' "$T/log" && ls -d "${variable#*=}"/v1)" "/var/cache/pycstash/v1" \
		"GitHub: a job in a container of root's uses the cache that the guide names"
	commands=$(block "$heading" 3 | sed -n -e '/^test:/q' -e '/^  script:/,$s/^  - //p')
	job /srv/eight/checkout "$commands; rm -r __pycache__"
	check "GitLab: the job works without an archive, where there is no cache" test ! -e /srv/eight/checkout/bytecode.tar.zst
	HOME=$home
	commands=$(block "$heading" 3 | sed -n -e '/^test:/q' -e '/^  script:/,$s/^  - //p')
	rm -rf ~/.cache
	job /srv/one/checkout "$commands"
	rm -rf ~/.cache
	mkdir -p /srv/three
	cp /srv/one/checkout/bytecode.tar.zst /srv/three
	job /srv/three "$commands"
	is "$(pycstash stats --json | /usr/bin/python3 -c 'import json, sys
print(json.load(sys.stdin)["counts"]["reused"] > 0)')" True "GitLab: another checkout finds its bytecode in the archive"
}

tox_project() {
	if [ ! -x /usr/bin/tox ] || [ ! -x /usr/bin/virtualenv ]; then
		skip "what tox runs is served by what its tox.ini passes on" "no tox"
		return
	fi
	{
		printf '[tox]\nskipsdist = true\nenvlist = a\n'
		block "In continuous integration" 4
		printf 'skip_install = true\ncommands = python /srv/app/main.py\n'
	} >/srv/tox.ini
	cd /srv || return
	twice plain LD_PRELOAD=/usr/local/lib/pycstash/libpycstash.so PATH="$PATH" tox -q
	served ~/.cache/pycstash "what tox runs is served by what its tox.ini passes on"
}

if [ "${1:-}" = inside ]; then
	part_of "$2"
	export HOME=$2/home-$3
	mkdir -p "$HOME" /usr/local/bin /usr/local/lib/pycstash /srv/app
	cp "$PYCSTASH" /usr/local/bin && cp "$SO" /usr/local/lib/pycstash
	echo 'import helper; print(helper.x)' >/srv/app/main.py
	echo 'x = 1' >/srv/app/helper.py
	touch -d '1 hour ago' /srv/app/*.py
	"$3"
	exit 0
fi
chmod 755 "$T"
for recipe in wrappers service container one_file cluster_pod shared_host nodes integration tox_project; do machine $recipe; done
done_testing
