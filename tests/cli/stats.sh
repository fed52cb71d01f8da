#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash stats: everything that interpreters did is counted exactly once, however they end,
# and a broken journal stops nobody.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

MODULES=5
stats() { "$PYCSTASH" stats --dir "$CACHE" "$@"; }
# counts FIELD…: of `counts`, `size` or `verdicts`, in a line
counts() {
	stats --json ${since:+--since "$since"} | /usr/bin/python3 -I -c '
import json, sys
stats = json.load(sys.stdin)
values = dict.fromkeys(sys.argv[1:], 0)
values.update(stats["size"])
values.update(stats["counts"])
values.update((v["name"], v["count"]) for v in stats["verdicts"])
print(*[values[name] for name in sys.argv[1:]])' "$@"
}
# counted COMMAND…: sets the counters to zero, then runs it
counted() {
	stats --zero
	preloaded "$@" >"$T/out" 2>&1
}
# Runs a Python program in which D is the directory of the modules.
counted_python() {
	stats --zero 2>/dev/null # there may be no cache yet
	preloaded "$python" -s -c "import sys, os; D = sys.argv[1]; sys.path.insert(0, D)
$1" "$D" >"$T/out" 2>&1
}
found() { echo $(($1 + $2 + $3 + $4)); } # hits, resealed, reused, in the tree
served() { # how many opens were served
	# shellcheck disable=SC2046
	found $(counts hits resealed reused in_tree)
}
# more PROGRAM EXTRA: prints how many more opens are served if EXTRA comes before PROGRAM
more() {
	local before
	counted_python "$1"
	before=$(served)
	counted_python "$2
$1"
	echo $(($(served) - before))
}
modules() { # DIR: makes them
	local i
	mkdir -p "$1"
	for i in $(seq 0 $((MODULES - 1))); do echo "value = $i" >"$1/m$i.py"; done
	touch -d @1600000000 "$1"/*.py
}
disk() { # what is really there: entries, objects, bytes
	echo "$(entries | grep -c 'pyc$') $(find "$CACHE" -path '*/objects/*' -type f | wc -l)" \
		"$(find "$CACHE" -type f -name '*.pyc' -printf '%s\n' | awk '{ s += $1 } END { print s + 0 }')"
}
# Prints what stats says of a running process, and whether that is at least half of its opens.
runs_counted() {
	local served
	counted_python "$all
import subprocess
env = {k: v for k, v in os.environ.items() if k != 'LD_PRELOAD'}
print(subprocess.check_output(['$PYCSTASH', 'stats', '--json'], env=env).decode())"
	served=$(python3 -c 'import json, sys
x = json.loads(sys.stdin.read())["counts"]
print(x["processes"], "yes" if 2 * (x["hits"] + x["in_tree"] + x["reused"]) >= 5 else "no")' <"$T/out")
	echo "$served"
}
all='import m0, m1, m2, m3, m4'

# --- interpreters ---------------------------------------------------------------------
interpret() {
	CACHE=$T/cache-$1 D=$T/$1
	modules "$D"
	# Misses of its own standard library must not appear below.
	preloaded "$python" -s -c 'import sys, os, subprocess, threading, multiprocessing.pool'
	counted_python "$all"
	is "$(counts processes misses MISS_NO_ENTRY WRITE SEALED unsealed)" "1 5 5 5 5 0" \
		"$name: a cold start counts a miss, a write and a seal for each module"
	is "$(counts entries objects bytes)" "$(disk)" "$name: the counted sizes are those of the files"
	is "$(counts shared)" "$(counts disk)" "$name: each entry is one file with its object"
	is "$(more pass "$all")" 5 "$name: a warm start counts a hit for each module"
	is "$(counts processes misses WRITE)" "1 0 0" "$name: a warm start counts no miss"
	touch "$D/m0.py"
	counted_python "$all"
	is "$(counts HIT_RESEALED misses)" "1 0" "$name: a touched source counts as re-sealed"
	is "$(stats | grep -c 're-sealed')" 1 "$name: stats prints re-sealed hits in one line"
	modules "$T/$1.copy"
	D=$T/$1.copy counted_python "$all"
	is "$(counts REUSED misses)" "5 0" "$name: a copy: reused"
	is "$(counts entries objects bytes)" "$(disk)" "$name: the sizes are right after a copy was reused"
	echo 'value = 77' >"$D/m1.py"
	counted_python "$all"
	is "$(counts MISS_CHANGED SEALED)" "1 1" "$name: an edit counts as a miss with its reason"
	counted_python "$all
for i in range(3): os.unlink(D + '/__pycache__/m%d.%s.pyc' % (i, sys.implementation.cache_tag))"
	is "$(counts entries)" "$(entries | grep -c 'pyc$')" "$name: what a program deletes is subtracted"
	preloaded "$python" -s -c "import sys; sys.path.insert(0, '$D'); $all"

	is "$(more 'os._exit(0)' "$all")" 5 "$name: os._exit: counted"
	is "$(more 'raise SystemExit(3)' "$all")" 5 "$name: exit: counted"
	counted_python "$all
os.kill(os.getpid(), 9)"
	is "$(counts processes)" 1 "$name: a process that is killed is counted"
	check "$name: at least half of what the cache served a killed process is counted" test $((2 * $(counts hits))) -ge 5
	counted_python "import m0, m1, m2
os.kill(os.getpid(), 9)"
	is "$(counts hits)" 3 "$name: three verdicts of a killed process are counted, however much bytecode the tree has served"
	is "$(runs_counted)" "1 yes" "$name: a process is counted while it runs"
	is "$(more "os.execv('/bin/true', ['true'])" "$all")" 5 "$name: a process writes its counts before an exec"
	is "$(more "
try: os.execv('/no/such/program', ['x'])
except OSError: pass
import m4" 'import m0, m1, m2')" 3 "$name: counts before an exec that fails are written once"
	is "$(more "
for i in range(3):
    if os.fork() == 0:
        __import__('m%d' % i)
        os._exit(0)
    os.wait()" pass) $(counts processes)" "0 4" "$name: forked children write their own counts"
	is "$(more "
if os.fork() == 0: os._exit(0)
os.wait()" "$all") $(counts processes)" "5 1" "$name: forked children do not count their parent's again"
	is "$(more "
import subprocess
subprocess.call(['/bin/true'])
try: subprocess.call(['/no/such/program'])
except OSError: pass" "$all")" 5 "$name: a vfork child does not write its parent's counts"
	is "$(more "
import threading
for i in range(5):
    t = threading.Thread(target=__import__, args=('m%d' % i,)); t.start(); t.join()" pass)" 0 \
		"$name: threads count together"
	counted_python "
import multiprocessing.pool
pool = multiprocessing.Pool(3)
print(sorted(pool.map(__import__('operator').neg, [1, 2, 3])))
pool.close(); pool.join()"
	check "$name: a pool of processes works" grep -q -- '\[-3, -2, -1\]' "$T/out"
	counted env PYCSTASH_READONLY=1 "$python" -s -c "import sys; sys.path.insert(0, '$D'); $all"
	is "$(counts processes)" 0 "$name: with a read-only cache, nothing is counted"
	counted env PYCSTASH_STATS=0 "$python" -s -c "import sys; sys.path.insert(0, '$D'); $all"
	is "$(counts processes)" 0 "$name: with PYCSTASH_STATS=0, nothing is counted"
}
for python in $(interpreters cached); do
	case $python in
	/usr/bin/python3.11 | */3.8*/python3.8 | */3.13*/python3.13 | */pypy3) ;;
	*) continue ;;
	esac
	name=$(named "$python")
	interpret "$(echo "$name" | tr -dc a-z0-9)"
	python0=${python0:-$python} cache0=${cache0:-$CACHE} tree0=${tree0:-$D}
done
python=$python0 CACHE=$cache0 D=$tree0
[ -n "$python" ] || exit 1

# --- the journal ----------------------------------------------------------------------
journal() { echo "$CACHE/v1/.state/journal"; }
works() { # SENTENCE: the program runs as it should, and says nothing
	counted_python "$all
print(m0.value + m4.value)" 2>/dev/null
	is "$(cat "$T/out")" 4 "$1: the program runs as usual"
}
preloaded "$python" -s -c "import sys; sys.path.insert(0, sys.argv[1]); $all" "$D"
is "$(stat -c '%a' "$(journal)" "$(dirname "$(journal)")" | tr '\n' ' ')" "600 700 " "only the user can read the journal"
one=$T/one
counted_python "$all"
head -c 512 "$(journal)" >"$one" # a later record of a process does not count it again
is "$(counts processes)" 1 "a process is a record of 512 bytes"
head -c 300 "$one" >>"$(journal)"
counted_python "$all"
is "$(counts processes)" 1 "after an incomplete record, the next one is found"
head -c 100000 /dev/urandom >>"$(journal)"
counted_python "$all"
is "$(counts processes)" 1 "a record after garbage is counted"
truncate -s 100G "$(journal)"
counted_python "$all"
is "$(counts processes)" 1 "a record at the end of a huge journal is counted"
rm "$(journal)"
for what in "mkdir" "mkfifo" "ln -s $T/elsewhere"; do
	rm -rf "$(journal)"
	$what "$(journal)"
	works "${what%% *} in place of the journal"
	is "$(status_of stats)" 0 "${what%% *} in place of the journal: stats works"
done
check "stats follows no symbolic link in place of the journal" test ! -e "$T/elsewhere"
rm -rf "$(journal)"
mv "$CACHE/v1/.state" "$T/state"
works ".state is gone"
mv "$CACHE/v1/.state" "$T/new-state"
ln -s "$T/state" "$CACHE/v1/.state"
is "$(status_of stats)" 125 "a link in the place of .state is not followed"
rm "$CACHE/v1/.state"
mv "$T/state" "$CACHE/v1/.state"
echo garbage >"$CACHE/v1/.state/totals"
is "$(status_of stats)" 0 "stats ignores totals that are garbage"
if [ "$(id -u)" = 0 ]; then
	mkdir -m 755 "$T/user" && chmod 755 "$T" && chown 65534 "$T/user"
	modules "$T/user/tree"
	CACHE=$T/user/cache
	user() { as_user env HOME="$T/user" "$@"; }
	user env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" /usr/bin/python3 -s -c "import sys; sys.path.insert(0, '$T/user/tree'); $all"
	check "an ordinary user has stats of a cache of its own" user "$PYCSTASH" stats --dir "$CACHE"
	chmod 0 "$(journal)"
	check "a journal that cannot be read counts as empty" user "$PYCSTASH" stats --dir "$CACHE"
	CACHE=$cache0
else
	skip "an ordinary user has stats" "all other claims of this suite run as an ordinary user"
fi
for _ in 1 2 3 4 5 6; do cat "$one"; done >"$(journal)"
(
	ulimit -f 1
	preloaded "$python" -s -c 'import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)'
)
is "$?" 0 "counting under a limit on file sizes sends the program no signal"
rm "$(journal)"
if unshare --mount true 2>/dev/null; then
	# shellcheck disable=SC2016
	unshare --mount --propagation private bash -c 'mkdir "$1/small" && mount -t tmpfs -o size=256k none "$1/small" || exit 9
		export LD_PRELOAD=$2 PYCSTASH_DIR=$1/small/cache
		"$3" -s -c "import sys; sys.path.insert(0, sys.argv[1]); import m0" "$4"
		cat /dev/zero >"$1/small/full" 2>/dev/null
		"$3" -s -c "import sys; sys.path.insert(0, sys.argv[1]); import m0, m4; print(m4.value)" "$4" >"$1/out" 2>&1
		LD_PRELOAD= "$5" stats >/dev/null || exit
		LD_PRELOAD= "$5" stats --zero 2>/dev/null
		[ $? = 14 ] && echo refused >>"$1/out"' - "$T" "$SO" "$python" "$D" "$PYCSTASH"
	is "$? $(cat "$T/out")" "0 4"$'\n'refused "on a full disk, the program is right, stats works, and --zero ends with 14"
else
	skip "a full disk" "nothing can be mounted here"
fi

# --- many -----------------------------------------------------------------------------
# A program that opens one pyc, far faster than an interpreter.
CACHE=$T/many-cache
mkdir -p "$T/many/__pycache__"
echo 'x = 1' >"$T/many/seed.py"
preloaded "$python" -S -c "import sys; sys.path.insert(0, '$T/many'); import seed"
head -c 512 "$(journal)" >"$one" # a later record of a process does not count it again
stats --zero
for _ in $(seq 2100); do cat "$one"; done >>"$(journal)"
before=$(since=@0 counts processes)
check "there are thousands of records" test "$before" -gt 2100
(
	while [ ! -e "$T/done" ]; do stats >/dev/null || echo failed; done >"$T/failed" 2>&1
) &
folder=$!
starts=()
for _ in 1 2 3 4 5 6 7 8; do
	(
		export LD_PRELOAD=$SO PYCSTASH_DIR=$CACHE
		for _ in $(seq 200); do "$BUILD/tests/calls/call" open "$T/many/__pycache__/m.cpython-311.pyc" O_RDONLY; done >/dev/null
	) &
	starts+=($!)
done
wait "${starts[@]}"
touch "$T/done"
wait $folder
is "$(cat "$T/failed")" "" "stats beside 8 times 200 processes never fails"
is "$(counts processes)" 1600 "each of 8 times 200 processes is counted once"
is "$(since=@0 counts processes)" $((before + 1600)) "processes from before the fold are counted too"
check "a large journal is rotated" test "$(stat -c %s "$(journal)" 2>/dev/null || echo 0)" -lt 1000000
# Some journals may have been folded by now.
touch -d '2 minutes ago' "$(journal)".[0-9]* 2>/dev/null
stats >/dev/null
is "$(compgen -G "$(journal).[0-9]*")" "" "the journal is folded after a while"
is "$(since=@0 counts processes) $(counts processes)" "$((before + 1600)) 1600" "folding the journal changes no number"

# --- what one asks --------------------------------------------------------------------
CACHE=$cache0
before=$(since=@0 counts processes)
counted_python "$all"
is "$(since=@0 counts processes) $(since=1h counts processes) $(counts processes)" \
	"$((before + 1)) $((before + 1)) 1" "--since takes a time or an age"
is "$(since=2100-01-01 counts processes)" 0 "stats counts nothing for a time in the future"
# A process takes its times from the coarse clock, which is behind. That of stats --zero must be past.
is "$(PYCSTASH_DIR=$CACHE python3 -c 'import subprocess, sys, time
late = 0
for i in range(40):
    began = time.time()
    subprocess.run([sys.argv[1], "stats", "--zero"], check=True)
    late += time.clock_gettime(5) <= began
print(late)' "$PYCSTASH")" 0 "what is started after stats --zero counts, however coarse its clock is"
tag=$(tag_of "$python")
check "--by version has a line for each" grep -q "^$tag .*[0-9]" <(stats --since @0 --by version)
check "the first lines have the size in per cent of its limit" \
	grep -qE '^[0-9.]+[KM]? on disk, [0-9.]+% of max_size \(2.0M\)$' <(PYCSTASH_MAX_SIZE=2M stats --since @0)
is "$(stats --since @0 | sed -n 's/^\([0-9.]*\)% of.* cache, \([0-9.]*\)% from the tree$/\1 \2/p')" \
	"$(stats --since @0 --json | python3 -c 'import json
c = json.load(open(0))["counts"]
cache = c["hits"] + c["resealed"] + c["reused"]
print("%.1f %.1f" % tuple(100 * n / (cache + c["in_tree"] + c["misses"]) for n in (cache, c["in_tree"])))')" \
	"the first line has two rates: what the tree served does not count as served from the cache"
check "stats says that gc is due, and how this cache is collected" \
	grep -qxF "  pycstash gc --dir $CACHE" <(stats | grep -A1 '^gc is due')
mark=$CACHE/v1/.state/gc
is_due() { stats --json | python3 -c 'import json; print(json.load(open(0))["size"]["gc_due"])'; }
touch -d '2 hours ago' "$mark"
is "$(is_due) $(PYCSTASH_MAX_SIZE=1K is_due)" "False True" "gc is due after an hour if the cache exceeds max_size"
rm "$mark"
for how in "" "--by version" "--by day"; do
	# shellcheck disable=SC2086 # words
	stats --since @0 $how | sed 1d | awk 'length > 80' | none "stats $how fits a terminal of 80 columns"
done
check "--by day has one for today" grep -q "^$(date -u +%F) " <(stats --since @0 --by day)
check "stats says how old the sizes are" grep -q '^Size, as processes counted it' <(stats)
"$PYCSTASH" gc --dir "$CACHE" >/dev/null
check "stats says that gc measured the sizes" grep -qE '^Size, as gc measured it [0-9]+s ago' <(stats)
is "$(counts entries objects bytes)" "$(disk)" "the sizes that gc measures are those of the files"
is "$(counts entries objects bytes; preloaded "$python" -s -c "import sys; sys.path.insert(0, '$T/again'); import n" 2>/dev/null)" \
	"$(disk)" "a process that finds nothing changes no size"
mkdir -p "$T/again" && echo 'a = 1' >"$T/again/n.py" && touch -d @1600000000 "$T/again/n.py"
sleep 1.1 # gc's time is in seconds
preloaded "$python" -s -c "import sys; sys.path.insert(0, '$T/again'); import n"
is "$(counts entries objects bytes)" "$(disk)" "what processes add after gc is added to the sizes"
layer=$T/layer
cp -a "$cache0" "$layer"
check "layers are named" grep -qx "$layer" <(PYCSTASH_LAYERS=$layer stats)
PYCSTASH_LAYERS=$T/none:$layer PYCSTASH_DIR=$T/nowhere "$PYCSTASH" stats >"$T/out" 2>"$T/said"
is "$? $(sed 1d "$T/out")" "0 $layer" "stats shows layers where there is no cache"
is "$(HOME=$T/gone/me "$PYCSTASH" stats 2>&1 | grep -c "none can be made.*: there is no such home directory; .*PYCSTASH_DIR")" 1 \
	"stats of a cache that cannot be made says why, and what to do"
check "stats says that there is no cache and that its answer is about layers" grep -q "^pycstash: $T/nowhere: no cache yet; showing layers only$" "$T/said"
is "$(env -u HOME PYCSTASH_LAYERS="$layer" "$PYCSTASH" stats --json 2>/dev/null | python3 -c 'import json
x = json.load(open(0))
print(x["dir"], x["counts"]["processes"], x["size"]["entries"], x["layers"])')" "None 0 0 ['$layer']" "stats shows layers where there is no place for a cache"
is "$(PYCSTASH_LAYERS=$layer status_of "$PYCSTASH" stats --dir "$T/nowhere") $(PYCSTASH_LAYERS=$layer PYCSTASH_DIR=$T/nowhere status_of "$PYCSTASH" stats --zero)" \
	"10 10" "stats --dir and --zero of a missing cache end with 10"
cp -a "$CACHE" "$T/purged"
rm -rf "$CACHE/v1/$tag"
is "$(counts entries)" 0 "a version that was deleted has size 0"
CACHE=$T/purged
"$PYCSTASH" purge --dir "$CACHE" --tag "$tag" >"$T/out" 2>&1
counted_python "$all"
is "$(counts entries objects bytes)" "$(disk)" "a version that was purged and begun again is counted correctly"
CACHE=$cache0
is "$(stats | grep -c $'\033')" 0 "no colour"
is "$(status_of stats --since soon) $(status_of stats --since 5) $(status_of stats --by year) $(status_of stats extra) $(status_of stats --zero --json)" \
	"2 2 2 2 2" "a wrong time, a wrong table or too many arguments end with 2"
is "$(status_of "$PYCSTASH" stats --dir "$T/nowhere")" 10 "stats without a cache ends with 10"
mkdir -m 700 "$T/other" && echo x >"$T/other/x"
is "$(status_of "$PYCSTASH" stats --dir "$T/other")" 12 "stats of a directory that is not a cache ends with 12"
exec 9>"$CACHE/v1/.state/lock"
flock 9
is "$(status_of stats)" 0 "stats works while gc runs"
exec 9>&-
"$PYCSTASH" stats --dir "$CACHE" --openmetrics >"$T/metrics"
is "$(tail -n 1 "$T/metrics")" "# EOF" "OpenMetrics end as they should"
is "$(sed -n 's/^pycstash_processes_total //p' "$T/metrics")" \
	"$("$PYCSTASH" stats --dir "$CACHE" --json | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["counts"]["processes"])')" \
	"OpenMetrics count the processes that JSON counts"
grep -v '^#' "$T/metrics" | grep -vE '^pycstash_[a-z_]+(\{group="[a-z_]+"\})? [0-9]+$' | none "every line of OpenMetrics has a name and a number"

# --- many hosts -----------------------------------------------------------------------
CACHE=$cache0
stats --json >"$T/one.json"
"$PYCSTASH" stats --dir "$T/purged" --json >"$T/two.json"
merged() { "$PYCSTASH" stats --merge "$@"; }
merged --json "$T/one.json" "$T/two.json" >"$T/both.json"
/usr/bin/python3 - "$T" <<'END' | told
import json, sys
one, two, both = (json.load(open("%s/%s.json" % (sys.argv[1], name))) for name in ("one", "two", "both"))
def rows(x, label): # what adds up, by its name
    if label == "name":
        return {row["name"]: row["count"] for row in x}
    return {(row[label], key): row[key] for row in x for key in row if key != label}
def summed(a, b):
    return {key: a.get(key, 0) + b.get(key, 0) for key in {**a, **b}}
def claim(holds, sentence):
    print("ok" if holds else "not ok", "-", sentence)
claim(both["hosts"] == 2 and both["dir"] is None, "stats --merge says of how many hosts it is")
claim(both["counts"] == summed(one["counts"], two["counts"]) and one["counts"]["processes"] > 0 < two["counts"]["processes"], "the counts of hosts add up")
claim(rows(both["verdicts"], "name") == summed(rows(one["verdicts"], "name"), rows(two["verdicts"], "name")), "the verdicts of hosts add up")
for name, label in ("versions", "version"), ("days", "day"):
    claim(rows(both[name], label) == summed(rows(one[name], label), rows(two[name], label)), "the %s of hosts add up" % name)
for key in "entries", "objects", "bytes", "disk", "shared", "limit":
    claim(both["size"][key] == one["size"][key] + two["size"][key], "the sizes of hosts add up: " + key)
claim(rows(both["size"]["versions"], "version") == summed(rows(one["size"]["versions"], "version"), rows(two["size"]["versions"], "version")), "the sizes of versions add up")
claim(both["begin"] == min(one["begin"], two["begin"]), "the sum of hosts begins with the first process of all")
END
/usr/bin/python3 -m json.tool --sort-keys "$T/both.json" | cat - "$T/one.json" >"$T/several.json"
is "$(merged --json "$T/several.json")" "$(merged --json "$T/both.json" "$T/one.json")" \
	"a sum can be added up again, in another order of fields, with others in one file"
is "$(merged "$T/both.json" | head -1 | cut -d ' ' -f 1,2)" "2 hosts:" "stats --merge prints for people, too"
is "$(merged --openmetrics "$T/both.json" | sed -n 's/^pycstash_processes_total //p')" \
	"$(merged --json "$T/both.json" | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["counts"]["processes"])')" \
	"stats --merge prints OpenMetrics, too"
head -c 300 "$T/one.json" >"$T/cut.json"
printf '%0500d' 0 | tr 0 '[' >"$T/deep.json"
sed 's,stats/1,stats/2,' "$T/one.json" >"$T/later.json"
for bad in cut.json deep.json later.json none.json metrics; do
	is "$(merged "$T/one.json" "$T/$bad" 2>"$T/err" | wc -l) $(status_of merged "$T/$bad") $(wc -l <"$T/err")" "0 2 1" "stats --merge refuses a file that is not the output of stats: $bad"
done
sed 's/"hosts":1/"hosts":-1/' "$T/one.json" >"$T/hosts.json"
is "$(merged "$T/hosts.json" | head -1 | cut -d : -f 1)" "1 host" "stats --merge takes a number of hosts that cannot be for one"
# To compare each row with all others, or to look for each schema in the whole file, would take the
# square of their number.
/usr/bin/python3 - "$T" <<'END'
import json, sys
rows = {what + "s": [{what: "v%d" % i} for i in range(200000)] for what in ("version", "day")}
json.dump({"schema": "pycstash.stats/1", **rows}, open(sys.argv[1] + "/rows.json", "w"))
open(sys.argv[1] + "/empty.json", "w").write("{}" * 1000000 + open(sys.argv[1] + "/one.json").read())
END
quick() { timeout -s KILL 30 "$PYCSTASH" stats --merge --json "$@" 2>/dev/null; }
is "$(quick "$T/rows.json" | grep -o '"v[0-9]*"' | wc -l)" 400000 "stats --merge does not take the square of the number of rows in a file"
is "$(status_of quick "$T/empty.json")" 2 "stats --merge looks for the schema of each object in that object alone"
is "$(status_of merged) $(status_of stats "$T/one.json") $(status_of stats --merge "$T/one.json")" "2 2 2" "--merge needs files, and takes no cache"

done_testing
