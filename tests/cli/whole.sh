#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Everything together, as one story: a cache that three interpreters have filled with SymPy and
# Django is inspected, purged by version, kept under a limit, moved to another path as an
# archive and as a layer, and used there. What Python compiles is counted throughout.
#
# Takes 120 s.
. "$(dirname "$0")/../lib/tap.sh"

chmod 755 "$T"
export PYCSTASH_DIR=$CACHE PYTHONHASHSEED=0
site=$T/build/site
archive=$T/cache.tar.zst
# Prints an expression for each JSON object on stdin, which is `x`, a line each.
jsons() {
	/usr/bin/python3 -c 'import json, sys
for line in sys.stdin:
    x = json.loads(line)
    print(*eval("[" + sys.argv[1] + "]"))' "$1"
}

# --- what there is to work with ---------------------------------------------------------
pythons=() tags=()
for kind in '^/usr/bin/python3' '/3\.8\.[0-9]*/' '/3\.13\.[0-9]*/' '/pypy3$'; do
	python=$(interpreters cached | grep -m 1 -e "$kind") && [ ${#pythons[@]} -lt 3 ] || continue
	pythons+=("$python")
	tags+=("$(tag_of "$python")")
done
N=${#pythons[@]}
check "there are interpreters: ${tags[*]}" test "$N" -ge 2
packages=$(/usr/bin/python3 -c 'import os, sympy, django, mpmath, asgiref, sqlparse
print(os.path.dirname(os.path.dirname(sympy.__file__)))' 2>/dev/null) || {
	skip_all "a cache of SymPy and Django" "python3-sympy or python3-django is not installed"
}
mkdir -p "$site"
tar -C "$packages" -c --exclude=__pycache__ --exclude='*/tests' --exclude='*.[pm]o' \
	sympy mpmath django asgiref sqlparse | tar -C "$site" -x
sleep 0.05 # settled

# Modules that Django has for other versions of Python are left out.
cat >"$T/sympy.py" <<'END'
import sys
sys.path[0] = sys.argv[1]
import sympy
x = sympy.Symbol("x")
print(sympy.integrate(sympy.sin(x) ** 2, x), sympy.factor(x ** 4 - 1))
END
cat >"$T/django.py" <<'END'
import importlib, sys
sys.path[0] = sys.argv[1]
count = 0
for name in """conf core.cache core.mail core.management core.paginator core.serializers core.signing
    core.validators db.models db.migrations dispatch forms http shortcuts template template.loader test
    urls utils.html utils.text views.generic contrib.auth.hashers contrib.humanize""".split():
    try:
        importlib.import_module("django." + name)
        count += 1
    except ImportError:
        pass
from django.utils import html
print(html.escape("<b>"), count >= 10)
END
answer='x/2 - sin(x)*cos(x)/2 (x - 1)*(x + 1)*(x**2 + 1)
&lt;b&gt; True'

modules_of() { # a suffix; what fails to be imported is loaded more than once
	grep -oE "^# code object from '?$site/.*\.$1'?$" "$T/err" | sort -u | wc -l
}
# use PYTHON PROGRAM…: runs the programs from $site; sets $said, $compiled (how many sources,
# wherever they are) and $loaded (how many modules below $site). $way comes before the python.
way=(preloaded)
use() {
	local python=$1 program
	shift
	for program in "$@"; do
		"${way[@]}" "$python" -v "$T/$program.py" "$site"
	done >"$T/out" 2>"$T/err" </dev/null
	said=$(cat "$T/out")
	compiled=$(grep -cE "^# code object from '?/.*\.py'?$" "$T/err")
	loaded=$(modules_of pyc)
}
# served SENTENCE PYTHON…: each gives its answer, loads all its modules, and compiles nothing
served() {
	local sentence=$1 python wrong=
	shift
	for python in "$@"; do
		use "$python" sympy django
		[ "$said, $compiled, $loaded" = "$answer, 0, ${modules[$python]}" ] ||
			wrong="$wrong$python: $said, $compiled compiled, $loaded loaded; "
	done
	is "$wrong" "" "$sentence"
}
# Prints names and contents of all entries and objects, except those of the version TAG.
listing() {
	(cd "$CACHE/v1" && find . -name '.?*' -prune -o -path "./${1:-none}" -prune -o \
		-type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
}
files_of() { find "$CACHE/v1/$1" -name '*.pyc' | wc -l; }
# Prints the space that files take on disk, each file once.
room() { find "$CACHE"/v1/*/ -type f -printf '%i %b\n' | sort -u | awk '{ n += $2 } END { print n * 512 }'; }

# --- fed --------------------------------------------------------------------------------
declare -A cold modules
for i in "${!pythons[@]}"; do
	python=${pythons[i]}
	use "$python" sympy django
	cold[$python]=$compiled
	is "$said" "$answer" "$(named "$python") computes from an empty cache, and compiles $compiled modules"
	is "$(find "$CACHE/v1/${tags[i]}/objects" -type f | wc -l) $((compiled > 500))" "$compiled 1" \
		"each compiled module is in the cache"
	use "$python" sympy django
	is "$said, $compiled" "$answer, 0" "a second start compiles nothing"
	modules[$python]=$loaded
done
is "$(find "$site" -name __pycache__)" "" "no bytecode is beside the sources"

# --- inspected --------------------------------------------------------------------------
sorted_tags=$(printf '%s\n' "${tags[@]}" | sort | xargs)
total=0 known=0
for python in "${pythons[@]}"; do
	total=$((total + cold[$python])) known=$((known + modules[$python]))
done
"$PYCSTASH" stats --json >"$T/json"
is "$(jsons 'x["counts"]["misses"], x["counts"]["sealed"], x["counts"]["unsealed"]' <"$T/json")" \
	"$total $total 0" "stats counts what was compiled: $total"
is "$(jsons '" ".join(sorted(v["version"] for v in x["versions"]))' <"$T/json")" "$sorted_tags" "stats has the totals by version"
is "$(jsons 'x["size"]["entries"], x["size"]["objects"], x["size"]["disk"]' <"$T/json")" \
	"$(entries | wc -l) $(find "$CACHE"/v1/*/objects -type f | wc -l) $(room)" \
	"stats has the number of entries and the size, without walking the cache"
is "$("$PYCSTASH" ls "$site" | wc -l)" "$known" "ls lists each module of each version: $known"
is "$("$PYCSTASH" ls --json --state fresh,stale,orphan,unsealed,damaged,foreign |
	jsons 'x.get("state") if x["schema"] == "pycstash.entry/1" else ""' | sort | uniq -c | xargs)" \
	"1 $(entries | wc -l) fresh" "ls says that all entries are fresh"
"$PYCSTASH" du --json >"$T/json"
is "$(jsons '" ".join(sorted(g["name"] for g in x["groups"])), x["total"]["disk"]' <"$T/json")" \
	"$sorted_tags $(room)" "du knows what each version takes"
module=$site/sympy/core/add.py
mapfile -t found < <("$PYCSTASH" path "$module")
is "${#found[@]} $("$PYCSTASH" path "${found[@]}" | sort -u)" "$N $module" \
	"path finds the $N entries of a module, and its source from each"
is "$("$PYCSTASH" show --deep --json "$module" | jsons 'x["version"], x["state"], x["code"]["file_name"], x["object"]["relation"]' | sort)" "$(for tag in $sorted_tags; do
	echo "$tag fresh $module same"
done)" "show reads all of them"
for python in "${pythons[@]}"; do
	"$PYCSTASH" explain --json --python "$python" "$module" | jsons 'x["verdict"]'
done >"$T/out" 2>&1
is "$(xargs <"$T/out")" "$(for _ in "${pythons[@]}"; do echo HIT; done | xargs)" "explain foresees a hit for each"
is "$("$PYCSTASH" verify --json | jsons 'x["entries"], x["good"], x["complete"]')" \
	"$(entries | wc -l) $(find "$CACHE/v1" -name '*.pyc' | wc -l) True" "verify finds all good"
is "$("$PYCSTASH" verify --deep --json "$site/django/utils" | jsons 'x["good"] == x["compared"] > 10, x["uncompared"]')" \
	"True 0" "verify --deep finds that all is what the compilers make"

# --- purged by version ------------------------------------------------------------------
gone=${tags[1]} before=$(listing "${tags[1]}") n=$(files_of "${tags[1]}")
is "$("$PYCSTASH" purge --json --dry-run --tag "$gone" | jsons 'x["trees"], x["files"]') $(files_of "$gone")" \
	"['$gone'] $n $n" "purge --dry-run says what would go: $n files of $gone"
"$PYCSTASH" purge --quiet --tag "$gone"
is "$? $(ls "$CACHE/v1" | grep -v TAG | xargs)" "0 $(printf '%s\n' "$sorted_tags" | tr ' ' '\n' | grep -vxF "$gone" | xargs)" \
	"purge deletes exactly that version"
is "$(listing "$gone")" "$before" "purge leaves the other versions unchanged, byte for byte"
others=("${pythons[@]}")
unset 'others[1]'
served "the other versions are served after a purge" "${others[@]}"
use "${pythons[1]}" sympy django
is "$said, $compiled" "$answer, ${cold[${pythons[1]}]}" "the purged version is compiled again"

# --- kept under a limit -----------------------------------------------------------------
# Every file gets its own age, in no order; then one program of one interpreter is run.
/usr/bin/python3 - "$CACHE/v1" <<'END'
import os, random, sys, time
inodes = {}
for top, _, names in os.walk(sys.argv[1]):
    if "/.state" not in top:
        for name in names:
            path = os.path.join(top, name)
            inodes[os.stat(path).st_ino] = path
paths = sorted(inodes.values())
random.Random(4).shuffle(paths)
for i, path in enumerate(paths):
    os.utime(path, (time.time() - 20 * 86400 + i * 300,) * 2)
END
used() { find "$CACHE/v1" -name '*.pyc' -printf '%i %A@ %T@\n' | sort -u |
	awk '{ print $1, ($2 > $3 ? $2 : $3) }' | sort; }
oldest=$(used | awk '{ print $2 }' | sort -n | tail -1)
limit=$(($(room) / 2))
use "${pythons[0]}" django
used >"$T/before"
noted=$(awk -v t="$oldest" '$2 > t' "$T/before" | wc -l)
is "$("$PYCSTASH" gc --json --dry-run --max-size $limit | jsons 'x["kept"]["disk"] <= '$limit) $(used | wc -l)" \
	"True $(wc -l <"$T/before")" "gc --dry-run says that it would get below a limit, and does nothing"
"$PYCSTASH" gc --json --max-size $limit >"$T/json"
is "$? $(jsons '[r["rule"] for r in x["rules"] if r["files"]], x["kept"]["disk"]' <"$T/json")" \
	"0 ['evicted'] $(room)" "gc evicts, and says what is left"
check "gc evicts to less than the limit" test "$(room)" -le $limit
check "gc evicts to not much less than the limit" test "$(room)" -ge $((limit * 9 / 10))
used >"$T/after"
gone=$(join -v 1 "$T/before" "$T/after" | awk '{ print $2 }' | sort -n | tail -1)
kept=$(awk '{ print $2 }' "$T/after" | sort -n | head -1)
check "gc evicts what was used least recently" \
	test "${gone%.*}" -le $((${kept%.*} + 3600))
if [ "$noted" -gt 100 ]; then
	use "${pythons[0]}" django
	is "$said, $compiled" "${answer#*$'\n'}, 0" "what was just used stayed: it is served"
else
	skip "what was just used stayed" "this file system does not note reads"
fi
is "$("$PYCSTASH" gc --json --max-size $limit | jsons 'sum(r["files"] for r in x["rules"])')" 0 \
	"a second gc finds nothing to do"
is "$("$PYCSTASH" verify --json | jsons 'x["good"] == x["entries"] + x["objects"]')" True "verify finds nothing wrong after gc"
again=0
for python in "${pythons[@]}"; do
	use "$python" sympy django
	again=$((again + compiled))
	is "$said" "$answer" "$(named "$python") computes the same from what stayed"
done
check "a program compiles what gc evicted, $again modules of $total" test $again -gt 0 -a $again -lt "$total"

# --- carried to another path ------------------------------------------------------------
"$PYCSTASH" export "$archive" >/dev/null
is "$?" 0 "export writes all entries and objects"
built=$site site=$T/srv/app/site
mkdir -p "$T/srv/app"
cp -r "$built" "$site" # other inodes, other times
chmod -R a-w "$site"
rm -rf "$T/build" "$CACHE"
is "$("$PYCSTASH" import --json --map "$built=$site" "$archive" | jsons 'x["moved"], x["damaged"] + x["failed"] + x["missing"]')" \
	"$known 0" "all of an archive is imported, with the sources at another path"
way=(preloaded PYCSTASH_LOG="$T/log")
served "a program at the other path compiles nothing" "${pythons[@]}"
is "$(sed -nE "s,^pycstash\[[0-9]+\]: ([^:]*): $site/.* \((.*)\)$,\1 \2,p" "$T/log" | sort | uniq -c | xargs)" \
	"$known hit re-sealed" "each is served the entry that was mapped"
way=(preloaded)
served "a program at the other path compiles nothing the second time" "${pythons[@]}"
is "$("$PYCSTASH" verify >/dev/null; echo $?)" 0 "verify finds all good after an import"

# --- as a layer -------------------------------------------------------------------------
"$PYCSTASH" import --layer "$T/layer" --map "$built=$site" "$archive" >/dev/null
chmod -R a-w "$T/layer"
snapshot() { find "$T/layer" -printf '%p %y %m %s %T@ %C@\n' | sort | sha256sum; }
before=$(snapshot)
rm -rf "$CACHE"
mkdir -m 755 "$T/user"
[ "$(id -u)" != 0 ] || chown 65534:65534 "$T/user"
cp "$SO" "$T/user"
way=(as_user env HOME="$T/user" LD_PRELOAD="$T/user/${SO##*/}" PYCSTASH_LAYERS="$T/layer")
public=()
for python in "${pythons[@]}"; do as_user "$python" -S -c '' 2>/dev/null && public+=("$python"); done
check "an ordinary user has some of the interpreters: ${public[*]}" test ${#public[@]} -gt 0
way+=(PYCSTASH_DIR=/nonexistent/cache)
served "who has no cache is served from the layer, and compiles nothing" "${public[@]}"
way+=(PYCSTASH_DIR="$T/user/cache")
served "a user with a cache is served from the layer and compiles nothing" "${public[@]}"
served "a user with a cache compiles nothing the second time" "${public[@]}"
is "$(entries "$T/user/cache" | grep -c "/tree$site/")" "$(for python in "${public[@]}"; do
	echo "${modules[$python]}"
done | awk '{ n += $1 } END { print n }')" "what a layer serves is sealed for these sources in the user's cache"
is "$(snapshot)" "$before" "nothing is written to the layer"
done_testing
