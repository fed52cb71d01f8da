#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash push --sign to a store that has the pack already: its signature gives way only to one of
# the same key that lasts longer, so no push takes a pack from those who trust that key.
. "$(dirname "$0")/../lib/tap.sh"

command -v minisign >/dev/null || skip_all "no push makes a signature worse" "no minisign"
python=$(interpreters cached | grep -m 1 /usr/bin/python3)
mkdir "$T/src"
for n in 1 2 3; do echo "x = $n" >"$T/src/m$n.py"; done
(cd "$T/src" && PYCSTASH_DIR=$T/host LD_PRELOAD=$SO "$python" -c 'import m1, m2, m3')
for key in old new; do minisign -G -W -p "$T/$key.pub" -s "$T/$key.key" >/dev/null; done
chmod 600 "$T"/*.key

status_of() { "$@" >"$T/out" 2>"$T/err"; echo $?; }
# push STORE OPTION…: as a host that has compiled the same sources and pushed nothing; its status
push() {
	rm -rf "$T/another"
	cp -a "$T/host" "$T/another"
	status_of "$PYCSTASH" push -q --dir "$T/another" "${@:2}" "$T/$1"
}
# pulls STORE KEY: the status of a pull by somebody who trusts that key alone
pulls() {
	rm -rf "$T/reader"
	status_of "$PYCSTASH" pull -q --strict --dir "$T/reader" --verify-key "$T/$2.pub" "$T/$1"
}
signature() { cat "$T/$1"/packs/*.minisig | sha256sum; }
# stays STORE OPTION…: whether a push leaves the signature that is there
stays() {
	local before
	before=$(signature "$1")
	echo "$(push "$@") $([ "$(signature "$1")" = "$before" ] && echo stays)"
}
sleep_until_expired() { until grep -q expired "$T/err"; do pulls "$1" old >/dev/null; done; }

# --- the same key -----------------------------------------------------------------------
is "$(push a --sign "$T/old.key") $(pulls a old)" "0 0" "push signs a pack"
is "$(stays a --sign "$T/old.key") $(stays a --sign "$T/old.key" --expires 1h) $(pulls a old)" "0 stays 0 stays 0" \
	"a signature for ever stays"
is "$(push b --sign "$T/old.key" --expires 1h) $(stays b --sign "$T/old.key" --expires 30m)" "0 0 stays" "a signature stays if the new one would expire sooner"
is "$(stays b --sign "$T/old.key" --expires 2h) $(stays b --sign "$T/old.key" --expires 90m)" "0  0 stays" "a signature gives way to one that lasts longer"
is "$(stays b --sign "$T/old.key") $(stays b --sign "$T/old.key" --expires 9d)" "0  0 stays" "a signature that expires gives way to one for ever"
is "$(stays b)" "0 stays" "a push without a key leaves the signature"

# --- no signature -----------------------------------------------------------------------
is "$(push c) $(pulls c old) $(push c --sign "$T/old.key") $(pulls c old)" "0 3 0 0" "a pack that nobody has signed gets a signature"
sed -i 's/timestamp:/timestamp:1/' "$T"/c/packs/*.minisig
is "$(pulls c old) $(push c --sign "$T/old.key") $(pulls c old)" "3 0 0" "a signature with a comment that nobody has signed gives way"
truncate -s 100 "$T"/c/packs/*.minisig
is "$(push c --sign "$T/old.key") $(pulls c old)" "0 0" "a signature that was cut off gives way"
rm "$T"/c/packs/*.minisig && mkfifo "$(echo "$T"/c/packs/*.zst).minisig"
is "$(status_of timeout 20 "$PYCSTASH" push --dir "$T/host" --sign "$T/old.key" "$T/c")" 3 "push does not wait for a pipe in the place of a signature"

# --- another key ------------------------------------------------------------------------
is "$(stays a --sign "$T/new.key") $(grep -c 'delete .*\.minisig' "$T/err") $(pulls a old)" "3 stays 1 0" \
	"a signature of another key stays; push says what to do, and ends with 3"
is "$(stays a --sign "$T/new.key"; rm "$T"/a/packs/*.minisig) $("$PYCSTASH" push -q --dir "$T/another" --sign "$T/new.key" "$T/a"; echo $?) $(pulls a new)" "3 stays 0 0" \
	"a push that has left another key's signature signs the pack next time, if that is gone"
is "$(push d --sign "$T/old.key" --expires 1s; sleep_until_expired d) $(stays d --sign "$T/new.key") $(pulls d new)" "0 0  0" \
	"a signature that has expired gives way to one of another key"
done_testing
