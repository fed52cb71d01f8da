#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Whatever forged objects are in the cache, as from a pack or an archive of somebody else: they change
# no other object of a pack that is made of it, and are in that as they are.
. "$(dirname "$0")/../lib/tap.sh"

python=$(interpreters cached | grep -m 1 /usr/bin/python3)
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || skip_all "a forged object changes no other object of a pack" "before CPython 3.11 there is none"
objects=$T/cache/v1/$(tag_of "$python")/objects

mkdir "$T/src"
for name in alpha beta gamma delta; do echo "class $name: value = {'a', 'b', '$name'}" >"$T/src/$name.py"; done
PYCSTASH_DIR=$T/cache LD_PRELOAD=$SO "$python" -c "import sys; sys.path.insert(0, '$T/src'); import alpha, beta, gamma, delta"
magic=$(basename "$objects"/*)

# packs NAME: writes the pack of the cache; what it contains is below $T/NAME.
packs() {
	mkdir "$T/$1"
	PYCSTASH_DIR=$T/cache "$PYCSTASH" export -q --pack "$T/$1.tar.zst" 2>"$T/$1.said"
	zstd -qdc "$T/$1.tar.zst" | tar -x --warning=none -C "$T/$1"
}
# A source of the attacker's own, whose object is the first one in each pack.
digest=$("$python" - "$T/evil.py" <<'EOF'
import hashlib, itertools, sys
for n in itertools.count():
    source = b"# %d\n" % n
    digest = hashlib.blake2b(source, digest_size=32).hexdigest()
    if digest.startswith("000"):
        break
with open(sys.argv[1], "wb") as file:
    file.write(source)
print("%s/%s.pyc" % (digest[0], digest[1:]))
EOF
)
packs honest
is "$(find "$T/honest" -name '*.pyc' | wc -l)" 4 "the pack of the cache has the objects of the sources"

# changes KIND: whether a forged object changes others.
changes() {
	local object=$objects/$magic/$digest code='x = "NESTED"'
	if [ "$1" = clash ]; then code=$(echo 'def g():' && printf '    v%d = 1\n' {1..60}); fi
	"$python" -B "$HERE/tests/trust/forge.py" "$code" "$T/evil.py" "$object" "$1" || not_ok "forge.py makes $1"
	packs "$1"
	is "$(find "$T/$1" -name "${digest#*/}" -size "-$(($(stat -c %s "$object") + 1))c" | wc -l) $(cat "$T/$1.said")" "1 " \
		"a forged object takes no more room in a pack than in the cache, and the interpreter goes on ($1)"
	find "$T/$1" -name "${digest#*/}" -delete
	find "$T/$1" -type d -empty -delete
	check "a forged object changes no other object of a pack ($1)" diff -r -x pycstash.json "$T/honest" "$T/$1"
}
changes vast
changes clash

done_testing
