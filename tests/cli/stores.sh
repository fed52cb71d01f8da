#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Stores on servers (stores.py, on loopback): any server with PUT and GET, WebDAV, S3 with
# signed requests; and what servers do wrong.
. "$(dirname "$0")/../lib/tap.sh"

chmod 755 "$T"
# of this machine
unset http_proxy https_proxy all_proxy no_proxy HTTPS_PROXY ALL_PROXY NO_PROXY CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR
python=$(interpreters cached | grep -m 1 /usr/bin/python3)
mkdir "$T/server" "$T/src"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost -keyout "$T/key" -out "$T/certificate" 2>/dev/null
cat "$T/key" "$T/certificate" >"$T/both.pem"
/usr/bin/python3 -W ignore "$HERE/tests/cli/stores.py" "$T/server" "$T/both.pem" >"$T/port" 2>"$T/errors" &
server=$!
await test -s "$T/port"
read -r port secure_port <"$T/port"
url=http://127.0.0.1:$port
on() { PYCSTASH_DIR=$T/$1 "$PYCSTASH" "${@:2}"; }
field() { /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
requests() { cut -d ' ' -f 1,2 "$T/server/log"; }
status_of() { "$@" >"$T/out" 2>"$T/err"; echo $?; }
# compile N: makes one more module and lets host a import it
compile() {
	echo "number = $1" >"$T/src/m$1.py"
	(cd "$T/src" && PYCSTASH_DIR=$T/a LD_PRELOAD=$SO "$python" -c "import m$1")
}

compile 0
for kind in plain dav; do
	is "$(on a push --compact 1d --json "$url/$kind" | field objects)" 1 "$kind: push puts a pack there"
	is "$(on "b-$kind" pull --json "$url/$kind" | field objects)" 1 "$kind: pull finds the pack"
done
: >"$T/server/log"
on b-plain pull "$url/plain" >/dev/null
is "$(requests)" "GET /plain/packs/" "a pull that finds nothing new makes one request"
: >"$T/server/log"
mkdir "$T/none"
echo "none = 1" >"$T/none/none.py"
is "$(on c pull --for "$T/none" --json "$url/plain" | field unwanted)" 1 "--for leaves out a pack that serves none of the paths"
is "$(grep -c 'tar.zst bytes=0-' "$T/server/log")" 1 "--for reads only the beginning of a pack"

check "S3: the server goes by the rules of the published example" /usr/bin/python3 "$HERE/tests/cli/stores.py" published
export AWS_ACCESS_KEY_ID=AKTEST AWS_SECRET_ACCESS_KEY=secret AWS_ENDPOINT_URL=$url/s3
for number in 1 2 3; do
	compile $number
	on a push s3://bytecode/main >/dev/null 2>"$T/err" || not_ok "S3: push $number succeeds" "$(cat "$T/err")"
done
is "$(find "$T/server/s3/bytecode/main/packs" -name '*.tar.zst' | wc -l)" 3 "S3: every push is a file below the prefix"
is "$(on d pull --json s3://bytecode/main | field objects)" 3 "S3: pull reads all pages of the list"
is "$(AWS_SECRET_ACCESS_KEY=other status_of on e pull --strict s3://bytecode/main)" 3 "S3: a wrong key is refused by the server and reported"
is "$(AWS_SECRET_ACCESS_KEY=other status_of on no-cache push s3://bytecode/main) $(grep -c other "$T/err")" "10 0" "S3: without a cache nothing is pushed, and no secret is printed"
compile 4
is "$(AWS_SECRET_ACCESS_KEY=verysecret status_of on a push s3://bytecode/main) $(cat "$T/err" "$T/out" | grep -c verysecret)" "3 0" \
	"S3: a push that is refused says so without the secret"

is "$(on a push --compact 1d --json "s3://bytecode/a branch+ä%2f/&" | field objects)" 5 "S3: push puts a pack below a prefix of any characters"
is "$(on odd pull --json "s3://bytecode/a branch+ä%2f/&/" | field objects)" 5 "S3: pull finds a pack below a prefix of any characters"
: >"$T/server/log"
is "$(AWS_ENDPOINT_URL=$url/s3/ on slash pull --json s3://bytecode/main | field objects) $(grep -c //bytecode "$T/server/log")" "3 0" "S3: AWS_ENDPOINT_URL may end in a slash"
is "$(AWS_ENDPOINT_URL=localhost:9000 status_of on e pull s3://bytecode/main) $(grep -c AWS_ENDPOINT_URL "$T/err")" "2 1" "S3: an AWS_ENDPOINT_URL that is not a URL is reported"

# --- a server that gives no names -----------------------------------------------------
for host in one two; do
	echo "host = '$host'" >"$T/src/$host.py"
	(cd "$T/src" && PYCSTASH_DIR=$T/$host LD_PRELOAD=$SO "$python" -c "import $host")
	is "$(on $host push --json "$url/nolist" | field objects)" 1 "$host: push puts a pack on a server that cannot list files"
done
is "$(wc -l <"$T/server/nolist/packs/index")" 2 "push lists the packs in packs/index if the server cannot list files"
is "$(on three pull --json "$url/nolist" | field objects)" 2 "pull finds packs by packs/index"
: >"$T/server/log"
on three pull "$url/nolist" >/dev/null
is "$(requests | tr '\n' ' ')" "GET /nolist/packs/ GET /nolist/packs/index " "a pull by the index makes two requests"
printf '%064d.tar.zst\n' 0 >>"$T/server/nolist/packs/index"
is "$(status_of on three pull "$url/nolist") $(cat "$T/err")" "0 " "a pack that was deleted from a store, and is still in its list, is no error"
is "$(ls "$T/server/plain/packs" | grep -c index)" 0 "a server that lists gets no index"

# --- who we are -----------------------------------------------------------------------
private=http://name:secret@127.0.0.1:$port/private
is "$(on g pull --strict --json "$private" | field objects)" 1 "user and password in the URL are sent"
is "$(status_of on h pull --strict "$url/private") $(grep -c 401 "$T/err")" "3 1" "a store that refuses a pull without user and password is reported"
printf 'machine %s login name password secret\n' 127.0.0.1 localhost >"$HOME/.netrc"
is "$(on h pull --strict --json "$url/private" | field objects)" 1 "user and password are taken from ~/.netrc"
: >"$T/server/log"
is "$(on i pull --strict --json "http://name:secret@127.0.0.1:$port/away" | field objects)" 1 "a redirect to another host is followed"
check "the first host gets user and password" grep -q '/away/packs/ - Basic .* 127.0.0.1' "$T/server/log"
is "$(grep -c localhost "$T/server/log") $(grep localhost "$T/server/log" | grep -c Basic)" "2 0" \
	"the host of a redirect gets no user and password, not even its own in ~/.netrc"
is "$(on as pull --strict --json "$url/as" | field objects) $(grep localhost "$T/server/log" | grep -c Basic)" "1 0" \
	"the host of a redirect gets no user and password if it looks like the first one"
is "$(status_of on return pull --strict "$url/return") $(grep -c '/private.* - Basic' "$T/server/log")" "3 0" \
	"another host cannot redirect back to get a request with user and password"
is "$(on within pull --strict --json "$url/within" | field objects)" 1 "a redirect within the server gets user and password from ~/.netrc"
rm "$HOME/.netrc"
is "$(on inside pull --strict --json "http://name:secret@127.0.0.1:$port/within" | field objects)" 1 "a redirect within the server gets user and password from the URL"
: >"$T/server/log"
for to in away within; do
	is "$(status_of on a push --compact 1d "$url/$to") $(grep -c 'redirection, which is not followed' "$T/err")" "3 1" "push is not redirected, and says so ($to)"
done
is "$(AWS_ENDPOINT_URL=$url/away status_of on s3 pull --strict s3://bucket) $(grep -c 'redirection, which is not followed' "$T/err")" "3 1" \
	"S3: a pull is not redirected, and says so"
is "$(grep -c '^PUT /[aw]' "$T/server/log") $(grep PUT "$T/server/log" | grep -c plain) $(grep localhost "$T/server/log" | grep -c AWS4)" "2 0 0" \
	"no other place gets the redirected request of a push, or one that is signed"
is "$(on hops pull --strict --json "$url/hops/4" | field objects)" 1 "five redirects are followed"
is "$(status_of on hop pull --strict "$url/hops/5") $(grep -c 'redirects more than 5 times' "$T/err")" "3 1" "a sixth redirect is not followed"
PYCSTASH_DIR=$T/j "$PYCSTASH" pull "http://name:secret@127.0.0.1:$port/slow" >/dev/null 2>&1 &
puller=$!
await grep -q /slow "$T/server/log"
is "$(tr '\0' ' ' <"/proc/$puller/cmdline" | grep -c secret)" 0 "a password does not stay in the list of processes"
kill $puller
wait $puller
for bad in "http://name:sec/ret@127.0.0.1/x" "ftp://name:secret@127.0.0.1/x" "http:/name:secret@127.0.0.1/x" name:secret@127.0.0.1; do
	is "$(on j pull "$bad" 2>&1 | grep -c 'sec')" 0 "a wrong URL is reported without its password ($bad)"
done
: >"$T/server/log"
is "$(http_proxy=$url on k pull --strict --json "http://store.invalid/plain" | field objects)" 1 "http_proxy is asked for the store"
is "$(no_proxy=127.0.0.1 http_proxy=http://127.0.0.1:1 on l pull --strict --json "$url/plain" | field objects)" 1 "no_proxy is obeyed"

# --- TLS ------------------------------------------------------------------------------
secure=https://localhost:$secure_port/plain
is "$(status_of on m pull --strict "$secure") $(grep -ci certificate "$T/err")" "3 1" "a certificate that no authority has signed is refused and reported"
is "$(SSL_CERT_FILE=$T/certificate on m pull --strict --json "$secure" | field objects)" 1 "SSL_CERT_FILE names the authorities for certificates"
: >"$T/server/log"
is "$(SSL_CERT_FILE=$T/certificate status_of on down pull --strict "https://localhost:$secure_port/down") $(grep -c plain "$T/server/log")" "3 0" \
	"a redirect from https to http is not followed"
is "$(CURL_CA_BUNDLE=$T/certificate status_of on n pull --strict "https://127.0.0.1:$secure_port/plain")" 3 "a certificate of another host is refused"

# --- servers that do wrong ------------------------------------------------------------
is "$(status_of on o pull "$url/half") $(find "$T/o" -name '*.pyc' | wc -l)" "3 0" "nothing is imported from a truncated pack"
is "$(status_of on a push --compact 1d "$url/nowhere/new") $(grep -c 'does not list it' "$T/err")" "3 1" "a push to a server that keeps nothing fails"
if command -v minisign >/dev/null; then
	minisign -G -W -p "$T/key.pub" -s "$T/key.secret" >/dev/null
	is "$(status_of timeout 20 env PYCSTASH_DIR="$T/o" "$PYCSTASH" pull --verify-key "$T/key.pub" "$url/endless") $(grep -c 'not in the format of minisign' "$T/err")" "3 1" \
		"pull stops reading a signature that never ends"
	is "$(status_of on a push -q --compact 1d --sign "$T/key.secret" s3://dropbox/signed) $(wc -l <"$T/err") $(ls "$T/server/s3/dropbox/signed/packs" | wc -l)" "0 0 2" \
		"push signs where it may write and not read"
	for place in "$url/plain/signed" "s3://bytecode/signed"; do
		rm -rf "$T/server"/*/signed "$T/server"/s3/*/signed
		on a push -q --compact 1d --sign "$T/key.secret" "$place" 2>"$T/err"
		sha256sum "$T/server"/*/signed/packs/*.minisig "$T/server"/s3/*/signed/packs/*.minisig >"$T/signatures" 2>/dev/null
		on a push -q --compact 1d --sign "$T/key.secret" --expires 1h "$place" 2>"$T/err"
		check "push leaves a signature that lasts longer ($place)" sha256sum -c "$T/signatures"
		find "$T/server" -path '*/signed/*.minisig' -exec truncate -s 0 {} +
		is "$(status_of on a push -q --compact 1d --sign "$T/key.secret" "$place") $(status_of on "${place%%:*}-reader" pull --verify-key "$T/key.pub" --strict "$place")" "0 0" \
			"push replaces an empty signature ($place)"
	done
fi
for kind in fails short loop file; do
	is "$(status_of timeout 20 env PYCSTASH_DIR="$T/f" "$PYCSTASH" pull --strict "$url/$kind") $(wc -l <"$T/err")" "3 1" \
		"a server of the kind \"$kind\" is reported in a line"
	is "$(status_of timeout 20 env PYCSTASH_DIR="$T/f" "$PYCSTASH" pull "$url/$kind")" 0 "a server of the kind \"$kind\" makes no CI job fail"
done
began=$SECONDS
is "$(PYCSTASH_STORE_CONNECT=1s status_of timeout 60 env PYCSTASH_DIR="$T/f" "$PYCSTASH" pull --strict "$url/loris")" 3 "a server that sends a byte now and then is given up"
is "$(PYCSTASH_STORE_CONNECT=1s status_of timeout 60 env PYCSTASH_DIR="$T/f" "$PYCSTASH" pull --strict "$url/slow")" 3 "a server that takes a connection and says nothing is given up"
check "servers that are too slow are given up after store_connect" test $((SECONDS - began)) -lt 25
began=$SECONDS
is "$(PYCSTASH_STORE_TIME=1s status_of timeout 20 env PYCSTASH_DIR="$T/f" "$PYCSTASH" pull --strict "$url/slow")" 3 "a server that does not answer is given up"
check "a server is given up after the time that was set, not the server's" test $((SECONDS - began)) -lt 15
is "$(PYCSTASH_STORE_TIME=5s status_of timeout 40 env PYCSTASH_DIR="$T/f" "$PYCSTASH" pull --strict "$url/bomb")" 3 "an endless answer is broken off"
is "$(AWS_ENDPOINT_URL=$url/pages status_of on f pull --strict s3://bucket) $(grep -c 'lists too many packs' "$T/err")" "3 1" "a list without a last page is broken off"
is "$(PYCSTASH_STORE_TIME=1s on f run --pull "$url/slow" -- echo started 2>/dev/null)" started "a program starts when the store does not answer"
began=$SECONDS
on f run --pull "$url/slow" -- true
check "the next start does not wait for that store" test $((SECONDS - began)) -lt 5

for bad in "$url/plain?key=1" "$url/plain#here" "file://localhost$T/server/plain" "ftp://127.0.0.1/plain"; do
	is "$(status_of on f pull "$bad") $(status_of on a push --compact 1d "$bad")" "2 2" "a URL that is not a store's is an error of the command line ($bad)"
done

# --- a directory to which others can write --------------------------------------------
# The digest of a pack of public sources is not hard to guess.
mkdir -p "$T/common/packs"
guessed=$(on a push --compact 1d --dry-run --json "$T/common" | field pack)
truncate -s 8T "$T/common/packs/$guessed.tar.zst" 2>/dev/null || truncate -s 100G "$T/common/packs/$guessed.tar.zst"
is "$(PYCSTASH_DIR=$T/a status_of timeout -s KILL 20 "$PYCSTASH" push --compact 1d "$T/common") $(head -c 1M "$T/common/packs/"* | b2sum -l 256 | cut -c 1-64)" \
	"0 $guessed" "push does not read a file with another size that has the name of its pack"
rm "$T/common/packs/"*
growing=$T/common/packs/$(printf 'a%.0s' {1..64}).tar.zst
truncate -s 128M "$growing"
/usr/bin/python3 -c 'import ctypes, os, sys
libc = ctypes.CDLL(None)
watch = libc.inotify_init()
libc.inotify_add_watch(watch, sys.argv[1].encode(), 1)  # IN_ACCESS
print(watch, flush=True)
os.read(watch, 4096)
os.truncate(sys.argv[1], 1 << 40)' "$growing" >"$T/watching" &
grower=$!
await test -s "$T/watching"
(ulimit -f $((512 << 10)) && PYCSTASH_DIR=$T/f exec timeout -s KILL 20 "$PYCSTASH" pull "$T/common") >"$T/out" 2>"$T/err"
is "$? $(stat -c %s "$growing") $(grep -c 'File too large' "$T/err")" "3 $((1 << 40)) 1" "pull copies no more of a pack than it had when it was opened"
kill $grower 2>/dev/null
rm "$growing"
for i in {100..160}; do truncate -s 128M "$T/common/packs/$(printf '%064d' "$i").tar.zst"; done
is "$(PYCSTASH_STORE_TIME=1s status_of on f pull --strict "$T/common") $(grep -c 'store_time allows' "$T/err")" "3 1" \
	"the time for a store is limited if it is a directory, too"
rm -r "$T/common"

# --- here -----------------------------------------------------------------------------
: >"$T/server/log"
env --default-signal=INT PYCSTASH_DIR="$T/p" "$PYCSTASH" pull --strict "$url/slow" >"$T/out" 2>"$T/err" &
puller=$!
await grep -q /slow "$T/server/log"
kill -INT $puller
wait $puller
is "$? $(grep -c interrupted "$T/err")" "130 1" "SIGINT ends a pull that waits for its store"
if unshare -rm true 2>/dev/null; then
	# in_small_tmp COMMAND…: runs it without room for temporary files
	in_small_tmp() {
		unshare -rm sh -c 'mount -t tmpfs -o size=4k none "$0" && head -c 4096 /dev/zero >"$0/fill"; exec "$@"' "$T/small" "$@"
	}
	mkdir "$T/small"
	is "$(TMPDIR=$T/small status_of in_small_tmp env PYCSTASH_DIR="$T/q" "$PYCSTASH" pull "$url/plain") $(grep -ci 'no space' "$T/err")" "14 1" \
		"a pull without room for temporary files says so"
	is "$(TMPDIR=$T/small status_of in_small_tmp env PYCSTASH_DIR="$T/q" "$PYCSTASH" run --pull "$url/plain" -- true)" 0 "a program starts even if a pull has no room for temporary files"
	is "$(TMPDIR=$T/small status_of in_small_tmp env PYCSTASH_DIR="$T/a" "$PYCSTASH" push --compact 1d "$url/full") $(ls "$T/server" | grep -c full)" "14 0" \
		"a push without room for temporary files says so, and puts nothing there"
	full=$T/full
	mkdir "$full"
	is "$(status_of unshare -rm sh -c 'mount -t tmpfs -o mode=700,nr_inodes=12 none "$0" && PYCSTASH_DIR=$0/c "$1" pull "$2"' "$full" "$PYCSTASH" "$url/plain") $(grep -ci 'no space' "$T/err")" "14 1" \
		"a pull into a cache without room says so"
else
	skip "a pull without room for temporary files says so" "unshare is not allowed"
fi

if strace -qq -o "$T/trace" true 2>/dev/null; then
	# without_room ERROR N COMMAND…: runs it where only N - 1 files get their names; its status
	without_room() {
		ASAN_OPTIONS=detect_leaks=0 strace -qq -f -o "$T/trace" -e inject=linkat,renameat,renameat2:error="$1":when="$2+" "$PYCSTASH" "${@:3}" >"$T/out" 2>"$T/err"
		echo "$? $(grep -qiE 'no space|quota|read-only' "$T/err" && echo said)"
	}
	on a push -q --compact 1d "file:$T/five"
	for error in ENOSPC EDQUOT EROFS; do
		for option in --dir --layer; do
			rm -rf "$T/n"
			is "$(without_room $error 2 pull -q $option "$T/n" "file:$T/five") $(find "$T/n" -path '*/objects/*.pyc' | grep -c .)" "14 said 1" \
				"a pull that can write no more is not taken for one without a store ($error, $option)"
		done
		is "$(without_room $error 2 push -q --compact 1d --dir "$T/a" "file:$T/room-$error")" "14 said" "push says that the cache has no room to record the pack ($error)"
		is "$(without_room $error 1 push -q --compact 1d --dir "$T/a" "file:$T/full-$error")" "3 said" "push does not take a store without room for a cache without room ($error)"
	done
else
	skip "a pull that can write no more is not taken for one without a store" "strace does not work here"
fi

kill "$server"
ends "$server"
done_testing
