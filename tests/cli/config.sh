#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash config: shows settings and where they come from, changes them, and reports what is
# wrong with them. The other commands obey the files.
. "$(dirname "$0")/../lib/tap.sh"

config() { "$PYCSTASH" config "$@"; }
user=$HOME/.config/pycstash/pycstash.conf
system=$PYCSTASH_SYSCONFDIR/pycstash.conf
mkdir -p "$PYCSTASH_SYSCONFDIR"
fresh() { rm -rf "$HOME/.config" "$PYCSTASH_SYSCONFDIR"/*; }
user_says() { mkdir -p "${user%/*}" && printf '%s\n' "$@" >"$user"; }
system_says() { printf '%s\n' "$@" >"$system"; }
origin_of() { config | sed -n "s/^$1 *= .*(\(.*\))\$/\1/p"; }
json() { /usr/bin/python3 -c 'import json, sys
object = json.load(sys.stdin)
settings = {s["key"]: s for s in object["settings"]}
print(eval(sys.argv[1]))' "$@"; }

# --- values and origins ---------------------------------------------------------------
is "$(config | sed -n 's/ *= .*//p' | tr '\n' ' ')" \
	"$("$PYCSTASH" help settings | sed -n 's,.*=.*\, \([a-z_]*\)$,\1,p' | tr "\\n" " ")" \
	"config shows every setting that help lists"
is "$(config get max_size)" 5G "get prints the default of a setting that is not set"
export PYCSTASH_STORE=https://name:secret@store.example/main
is "$({ config && config --json; } | grep -c 'https://store.example/main') $({ config && config --json; } | grep -c secret)" "2 0" "a list of the settings has no password of the store"
is "$(config get store)" "$PYCSTASH_STORE" "get prints the store with its password"
unset PYCSTASH_STORE
is "$(config get dir)" "$HOME/.cache/pycstash" "the default of dir is shown"
is "$(XDG_CACHE_HOME=/xdg config get dir)" /xdg/pycstash "the default of dir follows XDG_CACHE_HOME"
is "$(origin_of max_size)" default "the origin of a default is named"
system_says '# of the machine' 'max_size = 6G' 'max_age = 10d'
is "$(config get max_size) $(origin_of max_size)" "6G $system:2" "the origin of a setting in the machine's file is named with its line"
user_says 'max_size = 7G'
is "$(config get max_size) $(origin_of max_size)" "7G $user:1" "the user's file overrides the machine's"
is "$(config get max_age)" 10d "a setting that the user's file lacks comes from the machine's file"
is "$(PYCSTASH_MAX_SIZE=8G config get max_size)" 8G "the environment overrides the files"
is "$(PYCSTASH_MAX_SIZE=8G origin_of max_size)" environment "the environment is named as the origin of a value"
is "$(PYCSTASH_MAX_SIZE= config get max_size)" 7G "an empty variable counts as unset"
is "$(PYCSTASH_DIR=/e config get dir --dir /o)" /o "an option overrides the environment"
is "$(config --dir /o | sed -n 's/^dir.*(//p')" "option)" "an option is named as the origin of a value"
is "$(cd "$T" && config get dir --dir below)" "$T/below" "a relative --dir is made absolute"
mkdir -p "$T/xdg/pycstash"
echo 'max_size = 9G' >"$T/xdg/pycstash/pycstash.conf"
is "$(XDG_CONFIG_HOME=$T/xdg config get max_size)" 9G "the user's file is in XDG_CONFIG_HOME"
is "$(cd "$T" && XDG_CONFIG_HOME=xdg config get max_size)" 7G "a relative XDG_CONFIG_HOME is not used"
is "$(HOME=relative config get max_size)" 6G "a relative HOME is not used"
is "$(status_of config get log)" 1 "get of a setting without a value ends with 1"
is "$(config get log)" "" "get of a setting without a value prints nothing"

# --- JSON -----------------------------------------------------------------------------
is "$(config --json | json 'object["schema"]')" pycstash.config/1 "--json has a schema"
is "$(config --json | json 'settings["max_size"]' | tr -d "'")" \
	"{key: max_size, variable: PYCSTASH_MAX_SIZE, value: 7G, origin: file, file: $user, line: 1}" \
	"JSON has the value and the origin of a setting"
is "$(config --json | json 'settings["log"]["value"], settings["log"]["origin"]')" "(None, 'default')" \
	"a setting that is unset is null in JSON"
is "$(config get max_age --json | json 'len(settings), settings["max_age"]["value"]')" "(1, '10d')" \
	"get --json prints only that setting"
odd=$'/a\xff\n"\\'
is "$(PYCSTASH_DIR=$odd config --json | json 'ascii(settings["dir"]["value"])')" "'/a\\udcff\\n\"\\\\'" \
	"JSON is exact for any bytes"
is "$(PYCSTASH_DIR=$odd config | grep -c .)" "$(config | grep -c .)" "a line feed forges no line"

# --- set and unset --------------------------------------------------------------------
fresh
check "set works if there is no file yet" config set max_size 2G
is "$(cat "$user")" "max_size = 2G" "set creates the file"
is "$(stat -c %a "$user" "${user%/*}" "$HOME/.config" | tr '\n' ' ')" "600 700 700 " "the file that set creates cannot be read by others"
user_says '# mine' '' 'max_size=1G   ' '  dir = /a = b' '# end'
chmod 640 "$user"
config set max_size 3G
config set max_age 5d
is "$(cat "$user")" "$(printf '%s\n' '# mine' '' 'max_size = 3G' '  dir = /a = b' '# end' 'max_age = 5d')" \
	"set changes the line of a setting or adds one at the end, and keeps all other lines"
is "$(stat -c %a "$user")" 640 "set keeps the mode of the file"
printf 'max_size = 1G\nmax_size = 2G\nmax_age = 1d' >"$user"
config set max_size 3G
config set keep_free 5%
is "$(cat "$user")" "$(printf '%s\n' 'max_size = 3G' 'max_age = 1d' 'keep_free = 5%')" \
	"of two lines with the same key, set keeps one; a last line without a line feed gets one"
printf 'max_size = 1G\nmax_age = 1d\nmax_size = 2G\n' >"$user"
config unset max_size
is "$(cat "$user")" "max_age = 1d" "unset removes both lines with the key"
check "unset of a setting that is not in the file is no error" config unset log
echo 'max_szie = 1G' >>"$user"
check "unset of a key that is not a setting succeeds" config unset max_szie
is "$(grep -c szie "$user")" 0 "unset removes the line of a key that is not a setting"
is "$(find "$HOME/.config" -type f | wc -l)" 1 "config set leaves no temporary file"
mkdir "$T/dotfiles"
mv "$user" "$T/dotfiles/conf"
ln -s "$T/dotfiles/conf" "$user"
config set max_size 4G
is "$(readlink "$user") $(grep -c 'max_size = 4G' "$T/dotfiles/conf")" "$T/dotfiles/conf 1" \
	"a link stays a link, and its target is changed"
before=$(cat "$user")
is "$(status_of config set max_szie 1G)" 2 "set of an unknown setting ends with 2"
check "set suggests a known setting for a mistyped one" sh -c '"$1" config set max_szie 1G 2>&1 | grep -q "did you mean .max_size"' - "$PYCSTASH"
is "$(status_of config unset max_szie)" 2 "unset of an unknown setting that is not in the file ends with 2"
is "$(status_of config set max_size lots)" 2 "set of a value that is not valid ends with 2"
is "$(status_of config set dir $'/a\nmax_size = 0')" 2 "set of a value with a line feed ends with 2"
is "$(status_of config set dir relative)" 2 "set of a relative path ends with 2"
is "$(cat "$user")" "$before" "set changes nothing when it refuses a value"
printf 'max_size = 1G\n\0hidden\n' >"$user"
is "$(status_of config set max_size 4G)" 125 "a file with a NUL in it is not rewritten"
is "$(tr '\0' 0 <"$user")" "$(printf 'max_size = 1G\n0hidden')" "a file with a NUL in it is left as it is"
is "$(status_of env -u HOME "$PYCSTASH" config set max_size 1G)" 125 "set ends with 125 if there is no directory for the file"
is "$(status_of config set max_size)" 2 "set with too few arguments ends with 2"
is "$(status_of config get a b)" 2 "get with too many arguments ends with 2"
is "$(status_of config frobnicate)" 2 "config with an unknown word ends with 2"
fresh
mkdir -p "$PYCSTASH_SYSCONFDIR"
config set --system max_size 3G
is "$(cat "$PYCSTASH_SYSCONFDIR/pycstash.conf") $(stat -c %a "$PYCSTASH_SYSCONFDIR/pycstash.conf") $(config get max_size)" \
	"max_size = 3G 644 3G" "set --system makes the machine's file, which all can read"
is "$(ls "$user" 2>/dev/null)" "" "set --system leaves the user's file alone"
config unset --system max_size
is "$(cat "$PYCSTASH_SYSCONFDIR/pycstash.conf")" "" "unset --system removes a setting from the machine's file"
rm -r "$PYCSTASH_SYSCONFDIR"
fresh
for i in 1 2 3 4 5 6 7 8; do config set max_entries $i & done
wait
is "$(grep -cxE 'max_entries = [1-8]' "$user")" "$(wc -l <"$user")" "eight runs of set at the same time leave one whole file"
for round in 1 2 3 4 5; do
	fresh
	for words in "max_entries $round" "max_size ${round}G" "max_age ${round}d" "keep_free ${round}M"; do
		# shellcheck disable=SC2086 # words
		config set $words &
	done
	wait
	sort "$user"
done >"$T/together"
is "$(cat "$T/together")" "$(for round in 1 2 3 4 5; do
	printf '%s\n' "keep_free = ${round}M" "max_age = ${round}d" "max_entries = $round" "max_size = ${round}G"; done)" \
	"several runs of set at the same time lose none of the settings"
is "$(ls -A "${user%/*}")" "${user##*/}" "set leaves nothing beside the file"
mkdir "$user.lock"
is "$(status_of config set max_size 2G) $(config get max_size)" "0 2G" "set needs no name beside the file, which somebody else may have taken"
rmdir "$user.lock"
echo mine >"$user.lock"
config set max_size 3G
is "$(cat "$user.lock")" mine "set leaves a file that is called like a lock of the settings alone"
for look in 1 2 3 4 5; do
	fresh
	user_says 'max_size = 1G'
	env LD_PRELOAD="$BUILD/tests/library/libat.so" AT="open:$look:/pycstash.conf" DO="rm '$user'" "$PYCSTASH" config unset max_size
	cat "$user"
done >"$T/gone" 2>/dev/null
is "$(cat "$T/gone")" "" "unset makes no file if the file goes meanwhile"
# held MODE: what set ends with while the directory, which has that mode, stays locked
held() {
	local dir=$T/held-$1/pycstash holder code
	mkdir -p "$dir"
	chmod "$1" "$dir"
	flock -F "$dir" sleep 600 &
	holder=$!
	await sh -c '! flock -n "$1" true' - "$dir"
	code=$(status_of env XDG_CONFIG_HOME="${dir%/*}" "$PYCSTASH" config set max_size 2G)
	kill "$holder"
	echo "$1 $code $(XDG_CONFIG_HOME=${dir%/*} config get max_size)"
}
held 755 >"$T/held-open" &
held 700 >"$T/held-closed" &
wait
is "$(cat "$T/held-open")" "755 0 2G" "whoever can read the directory of the settings cannot keep set from working by its lock"
is "$(cat "$T/held-closed")" "700 125 5G" "set changes nothing while another process of the user's has the lock of the settings' directory"

full() { # in a file system of one page, which is full
	unshare -rm sh -c 'mount -t tmpfs -o size=4k none "$1/.config" && mkdir "$1/.config/pycstash" &&
		echo "max_size = 1G" >"$1/.config/pycstash/pycstash.conf" &&
		"$2" config set max_size 2G 2>/dev/null; echo $?; cat "$1/.config/pycstash/"*' - "$HOME" "$PYCSTASH"
}
if unshare -rm true 2>/dev/null; then
	is "$(full | tr '\n' ' ')" "125 max_size = 1G " "on a full disk the old file stays, alone"
else
	skip "on a full disk the old file stays, alone" "unshare is not allowed"
fi

# --- what is wrong --------------------------------------------------------------------
fresh
is "$(status_of config check)" 0 "check finds no mistake if there is no file"
user_says 'max_szie = 1G' 'max_size = lots' 'nonsense' 'max_age = 1d' 'max_age = 2d' 'dir = x'
is "$(config check | sed "s,^$user:,," | cut -d: -f 1 | tr '\n' ' ')" "1 2 3 5 6 " "check names every wrong line"
check "check suggests a known setting for a mistyped one" sh -c '"$1" config check | grep -q "did you mean .max_size"' - "$PYCSTASH"
is "$(status_of config check)" 13 "check: 13"
is "$(PYCSTASH_MAX_SZIE=1G config check | grep SZIE)" \
	"PYCSTASH_MAX_SZIE: there is no such variable; did you mean PYCSTASH_MAX_SIZE?" "check names a variable that is mistyped"
is "$(config check --json | json '[p.get("line") for p in object["problems"]]')" "[1, 2, 3, 5, 6]" "check names every wrong line in JSON"
is "$(config get max_age 2>/dev/null)" 2d "correct lines of a file with mistakes are used"
is "$(status_of config)" 13 "config ends with 13 if a file has mistakes"
is "$(status_of "$PYCSTASH" help) $(status_of "$PYCSTASH" version)" "0 0" "help and version run in spite of a file with mistakes"
is "$(status_of "$PYCSTASH" wrap /usr/bin/python3)" 13 "other commands end with 13 if a file has mistakes"
is "$("$PYCSTASH" run echo goes on 2>"$T/said")" "goes on" "run starts its command in spite of a file with mistakes"
is "$(grep -c "^pycstash: $user:" "$T/said")" 4 "run says what is wrong in a file, except for what has a meaning"
is "$("$PYCSTASH" run sh -c 'exit 7' 2>/dev/null; echo $?)" 7 "run ends with the command's exit code in spite of a wrong file"
disabled() { "$PYCSTASH" run sh -c 'echo ${PYCSTASH_DISABLE:-0}' 2>"$T/said"; }
is "$(disabled) $(grep -c 'the cache is switched off' "$T/said")" "1 1" "run switches the cache off, and says so, if a file has mistakes"
is "$(eval "$("$PYCSTASH" shellenv 2>/dev/null)"; echo "$PYCSTASH_DISABLE")" 1 "shellenv switches the cache off if a file has mistakes"
check "doctor says what has switched the cache off" sh -c '"$1" doctor | grep -q "^fail *settings .*may be missing"' - "$PYCSTASH"
for wrong in 'readonly = maybe' 'exclude = ~/private' 'only = srv' 'raedonly = yes' 'readonly yes' 'disable = ja'; do
	user_says "$wrong"
	is "$(PYCSTASH_DISABLE=0 disabled)" 1 "with the wrong line \`$wrong\` a program runs without the cache"
done
user_says 'readonly = yes'
chmod 602 "$user"
is "$(disabled)" 1 "if others can write to the file, a program runs without the cache"
chmod 644 "$user"
is "$(disabled) $(wc -c <"$T/said")" "0 0" "with a file without mistakes, a program runs with the cache"
user_says 'max_size = lots'
is "$(disabled) $(wc -l <"$T/said")" "0 1" "a mistake in a setting that only commands read leaves the cache on"
is "$(PYCSTASH_TRUSTED_KEY=/x status_of "$PYCSTASH" pull "$T")" 13 "pull stops at a variable that is probably PYCSTASH_TRUSTED_KEYS, mistyped"
user_says 'max_age = 1d' 'max_age = 2d'
is "$(status_of config check) $(status_of "$PYCSTASH" wrap /usr/bin/python3)" "13 0" \
	"a line that is overridden stops check alone"
fresh
is "$(PYCSTASH_MAX_SIZE=lots status_of config check)" 13 "check reports a variable with a wrong value"
is "$(PYCSTASH_READONLY=no config check)" \
	"PYCSTASH_READONLY: no: in the environment only 0 means no; this means yes" \
	"a variable that the library does not read as it is meant is found"
is "$(PYCSTASH_READONLY=no config get readonly)" yes "a wrong variable is shown as the library reads it"

user_says 'max_size = 1G'
chmod 660 "$user"
if [ "$(id -g)" = "$(id -u)" ] && grep -q "^[^:]*:[^:]*:$(id -g):$" /etc/group; then
	is "$(config get max_size)" 1G "a file that the user's own group can write is read"
else
	skip "a file that the user's own group can write is read" "this user has no group of his own"
fi
chmod 602 "$user"
is "$(config get max_size 2>/dev/null)" 5G "a file that others can write is not read"
is "$(status_of config check)" 13 "check ends with 13 for a file that others can write to"
is "$(config get max_size 2>&1 >/dev/null | grep -oF "$user" | wc -l)" 1 "the message about a file that others can write names it once"
is "$(status_of config set max_size 2G)" 12 "set does not touch a file that others can write: 12"
chmod 644 "$user"
chmod 777 "${user%/*}"
is "$(config get max_size 2>/dev/null)" 5G "a file in a directory that others can write is not read"
chmod 1777 "${user%/*}"
is "$(config get max_size)" 1G "a file in a sticky directory that others can write is read"
chmod 700 "${user%/*}"
rm "$user"
mkfifo "$user"
is "$(status_of timeout 5 "$PYCSTASH" config check)" 13 "a FIFO in place of the file is reported, and check does not wait for it"
rm "$user"
mkdir "$user"
is "$(status_of config check)" 13 "a directory in place of the file is reported"
rmdir "$user"
if [ "$(id -u)" = 0 ]; then
	user_says 'max_size = 1G'
	chown 65534 "$user"
	is "$(config get max_size 2>/dev/null)" 5G "another user's file is not read"
	chown 0 "$user"
	# A group, and a user whom an ACL names
	chown 0:1234 "$user"
	chmod 640 "$user"
	config set max_size 2G
	is "$(stat -c '%g %a' "$user")" "1234 640" "set keeps the group of the file"
	if setfacl -m u:1235:r "$user" 2>/dev/null; then
		config set max_size 1G
		is "$(getfacl -cn "$user" 2>/dev/null | sed '/^$/d' | xargs)" "user::rw- user:1235:r-- group::r-- mask::r-- other::---" \
			"set keeps the ACL of the file"
		if strace -o "$T/calls" -e trace=fchmod,fsetxattr "$PYCSTASH" config set max_size 1G 2>/dev/null; then
			is "$(grep -o '^f[a-z]*' "$T/calls" | tail -2 | xargs)" "fsetxattr fchmod" \
				"set gives the file's group at no moment the rights of those whom the ACL names"
		else
			skip "set gives the file's group at no moment the rights of others" "strace cannot trace here"
		fi
		setfacl -b "$user" && setfacl -m d:u:1235:rw "${user%/*}"
		config set max_size 1G
		is "$(getfacl -cn "$user" 2>/dev/null | sed '/^$/d' | xargs)" "user::rw- group::r-- other::---" \
			"set gives the file no ACL that it did not have"
		setfacl -b "${user%/*}"
	else
		skip "set keeps the ACL of the file" "no setfacl, or no ACLs here"
	fi
	chown 0:0 "$user"
	chmod 644 "$user"
	user_says 'max_size = 1G'
	chmod 755 "$T" "$HOME" "$HOME/.config" "${user%/*}"
	is "$(as_user env HOME="$HOME" "$PYCSTASH" config get max_size)" 1G "root's file is read by all"
	chmod 600 "$user"
	is "$(status_of as_user env HOME="$HOME" "$PYCSTASH" config check)" 13 "a file that cannot be read is reported"
	chmod 700 "$HOME"
	is "$(as_user env HOME="$HOME" "$PYCSTASH" config get max_size 2>&1)" 5G \
		"a file in a home that the user may not look into, as after dropping root's rights, is ignored"
	chmod 755 "$HOME"

	# root with the HOME of a user, as `sudo -E` leaves it
	rm -rf "$T/home" "$T/roots"
	mkdir -p "$T/home" "$T/roots"
	chown 65534 "$T/home"
	set_there() { status_of env HOME="$T/home" "$PYCSTASH" config set max_size 2G; }
	is "$(set_there) $(ls -A "$T/home")" "12 " "set by root creates nothing in a user's home, and ends with 12"
	check "the directory that is not root's is named" sh -c \
		'HOME=$1/home "$2" config set max_size 2G 2>&1 | grep -qF "$1/home belongs to another user"' - "$T" "$PYCSTASH"
	as_user ln -s "$T/roots" "$T/home/.config"
	is "$(set_there) $(ls -A "$T/roots")" "12 " "root follows no link in a user's home to a directory of root's"
	rm "$T/home/.config"
	as_user mkdir -m 700 "$T/home/.config"
	is "$(set_there) $(ls -A "$T/home/.config")" "12 " "root makes nothing in a directory of a user's home"
	is "$(status_of as_user env HOME="$T/home" "$PYCSTASH" config set max_size 2G)" 0 "the user can set a value in that home"
	is "$(stat -c %u "$T/home/.config/pycstash/pycstash.conf")" 65534 "the file that the user makes is the user's"
	rm -rf "$T/home" "$T/roots"
else
	skip "another user's file is not read" "needs root"
fi

# --- the others go by it --------------------------------------------------------------
fresh
user_says "dir = $T/from-file" 'only = /a:/b' 'readonly = yes' 'share = off' 'disable = no'
is "$("$PYCSTASH" run sh -c 'echo $PYCSTASH_DIR $PYCSTASH_ONLY $PYCSTASH_READONLY $PYCSTASH_SHARE $PYCSTASH_DISABLE')" \
	"$T/from-file /a:/b 1 0 0" "run puts what files say into the environment, as the library reads it"
is "$(PYCSTASH_DIR=/e "$PYCSTASH" run sh -c 'echo $PYCSTASH_DIR')" /e "the environment wins over files for run"
is "$(PYCSTASH_ONLY= PYCSTASH_READONLY= "$PYCSTASH" run sh -c 'echo $PYCSTASH_ONLY $PYCSTASH_READONLY')" "/a:/b 1" "files win over an empty variable for run"
is "$("$PYCSTASH" run --dir /o --only /c sh -c 'echo $PYCSTASH_DIR $PYCSTASH_ONLY')" "/o /a:/b:/c" \
	"an option of run replaces a value of a file, or adds to a list"
is "$("$PYCSTASH" run sh -c 'echo ${PYCSTASH_MAX_SIZE-unset}')" unset "run does not put settings into the environment that only the command reads"
"$PYCSTASH" wrap -o "$T/wrapper" /usr/bin/python3
show='import os; print(os.environ.get("PYCSTASH_DIR"), os.environ.get("PYCSTASH_READONLY"))'
fresh
is "$("$T/wrapper" -c "$show")" "$T/from-file 1" "a wrapper contains the settings of the files at the time when it was written"
is "$(PYCSTASH_DIR=/e "$T/wrapper" -c "$show")" "/e 1" "the environment wins over what a wrapper says"
is "$(PYCSTASH_READONLY= "$T/wrapper" -c "$show")" "$T/from-file 1" "what a wrapper says wins over an empty variable"
done_testing
