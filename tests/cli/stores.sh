#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Stores on servers (stores.py, on loopback): any with PUT and GET, WebDAV, S3 with signed
# requests; and what servers do wrong.
. "$(dirname "$0")/../lib/tap.sh"

chmod 755 "$T"
python=$(interpreters cached | grep -m 1 /usr/bin/python3)
mkdir "$T/server" "$T/src"
/usr/bin/python3 -W ignore "$HERE/tests/cli/stores.py" "$T/server" >"$T/port" 2>"$T/errors" &
server=$!
await test -s "$T/port"
url=http://127.0.0.1:$(cat "$T/port")
on() { PYCSTASH_DIR=$T/$1 "$PYCSTASH" "${@:2}"; }
field() { /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
status_of() { "$@" >"$T/out" 2>"$T/err"; echo $?; }
# compile N: makes one more module and lets host a import it
compile() {
	echo "number = $1" >"$T/src/m$1.py"
	(cd "$T/src" && PYCSTASH_DIR=$T/a LD_PRELOAD=$SO "$python" -c "import m$1")
}

compile 0
for kind in plain dav; do
	is "$(on a push --compact 1d --json "$url/$kind" | field objects)" 1 "$kind: push puts a pack there"
	is "$(on "b-$kind" pull --json "$url/$kind" | field objects)" 1 "$kind: pull finds it"
done
: >"$T/server/log"
on b-plain pull "$url/plain" >/dev/null
is "$(cut -d ' ' -f 1,2 "$T/server/log")" "GET /plain/packs/" "a pull that finds nothing new makes one request"
: >"$T/server/log"
mkdir "$T/none"
echo "none = 1" >"$T/none/none.py"
is "$(on c pull --for "$T/none" --json "$url/plain" | field unwanted)" 1 "--for leaves out a pack that serves none of the paths"
is "$(grep -c 'tar.zst bytes=0-' "$T/server/log")" 1 "for that it asks for the beginning of the pack only"

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

for kind in fails short loop; do
	is "$(status_of timeout 20 env PYCSTASH_DIR="$T/f" "$PYCSTASH" pull --strict "$url/$kind") $(wc -l <"$T/err")" "3 1" \
		"a server of the kind \"$kind\" is reported in a line"
	is "$(status_of timeout 20 env PYCSTASH_DIR="$T/f" "$PYCSTASH" pull "$url/$kind")" 0 "a server of the kind \"$kind\" fails no job"
done
began=$SECONDS
is "$(PYCSTASH_STORE_TIME=1s status_of timeout 20 env PYCSTASH_DIR="$T/f" "$PYCSTASH" pull --strict "$url/slow")" 3 "a server that does not answer is given up"
check "a server is given up after the time that was set, not the server's" test $((SECONDS - began)) -lt 15
is "$(PYCSTASH_STORE_TIME=5s status_of timeout 40 env PYCSTASH_DIR="$T/f" "$PYCSTASH" pull --strict "$url/bomb")" 3 "an answer without end is broken off"
is "$(PYCSTASH_STORE_TIME=1s on f run --pull "$url/slow" -- echo started 2>/dev/null)" started "a program starts when the store does not answer"
began=$SECONDS
on f run --pull "$url/slow" -- true
check "the next start does not wait for that store" test $((SECONDS - began)) -lt 5

kill "$server"
ends "$server"
done_testing
