#!/bin/bash
# SPDX-License-Identifier: MIT
#
# docs/json.md and the output of the commands agree: every field that is printed is described
# and has the type that is described, and every field that is described is printed by some
# command here, except for those that the test lists.
. "$(dirname "$0")/made.sh"

out=$T/json
archive=$T/archive.tar.zst
mkdir "$out"
count=0
prints() { # COMMAND [ARGUMENT…]: keeps what it prints; its exit code is other suites' matter
	count=$((count + 1))
	"$PYCSTASH" "$@" --json >"$out/$count" 2>"$T/stderr"
	[ -s "$out/$count" ] || not_ok "$* --json prints something" "$(cat "$T/stderr")"
}
preloaded "${PYTHONS[0]}" -S -c 'import sys; sys.path.insert(0, sys.argv[1]); import top' "$S"
prints stats
prints stats --by day --since 1h
echo 'x = 3' >"$S/pkg/a.py"
echo 'def (' >"$S/pkg/wrong.py"
printf 'rotten' >"$(entries | grep -a "/$TAG/.*/b\.$TAG" | head -1)"
prints ls
prints ls --long --objects --all
prints du
prints du --by package
prints path "$S/top.py"
prints dir
prints show --deep --all "$S/top.py"
prints show "$S/pkg/b.py"
"${PYTHONS[0]}" -c 'import py_compile, sys
py_compile.compile(sys.argv[1], sys.argv[2], invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)' "$S/top.py" "$T/hash.pyc" 2>/dev/null &&
	prints show "$T/hash.pyc"
prints explain "$S/top.py"
prints explain "$S/pkg/a.py"
prints verify
prints verify --deep --tag "$TAG"
prints purge --dry-run --path "$S/pkg"
prints purge --dry-run --long --state stale
prints gc --dry-run --long
prints gc
prints warm --python "${PYTHONS[0]}" "$S"
prints export "$archive"
prints import --dry-run "$archive"
prints push "$T/store"
prints pull --dir "$T/pulled" "$T/store"
mkdir -p "$HOME/.config/pycstash"
echo 'max_size = 2G' >"$HOME/.config/pycstash/pycstash.conf"
prints config
prints config get max_size
echo 'max_sighs = 2G' >>"$HOME/.config/pycstash/pycstash.conf"
prints config check
rm -r "$HOME/.config"
prints doctor "${PYTHONS[0]}"
tar --zstd -xOf "$archive" pycstash.json >"$out/member" 2>/dev/null || rm -f "$out/member"

python3 - "$HERE/docs/json.md" "$out" <<'END' | told
import json, os, re, sys

TYPES = {"string": str, "number": int, "boolean": bool, "object": dict, "array": list, "null": type(None)}
# For "the same fields": which table of docs/json.md stands for which
SAME = [(r"(versions|days)\[\]\.", "counts."), (r"size\.versions\[\]\.", "size."),
	(r"targets\[\]\.", ""), (r"(total|linked)\.", "groups[].")]
# Fields that this test does not see: those that appear only after an error or for something
# that is missing, and the list of a pack, whose keys are names.
UNSEEN = {"left_out.unreadable", "source.error", "objects"}

documented, schema = {}, []
for line in open(sys.argv[1], encoding="utf-8"):
	if line.startswith("## "):
		schema = re.findall(r"pycstash\.\w+/\d+", line)
		tables = -1
	elif line.startswith("| field "):
		tables += 1
	elif schema and line.startswith("| `"):
		names, kinds = (cell.strip() for cell in line.split("|")[1:3])
		names = re.findall(r"`([^`]+)`", names)
		kinds = [part.strip() for part in kinds.split(",")]
		for i, name in enumerate(names):
			kind = kinds[i] if len(kinds) == len(names) else kinds[0]
			documented.setdefault(schema[min(tables, len(schema) - 1)], {})[name] = kind

def fits(value, kind):
	return any(isinstance(value, TYPES[word.rstrip("s")]) and (isinstance(value, bool) == (word == "boolean"))
		for word in re.findall(r"^\w+|(?<= or )\w+", kind))

def fields(value, name=""):
	if isinstance(value, dict):
		for key, each in value.items():
			below = f"{name}.{key}" if name else key
			yield below, each
			yield from fields(each, below)
	elif isinstance(value, list):
		for each in value:
			yield from fields(each, name + "[]")

def claim(good, sentence):
	print("ok -" if good else "not ok -", sentence)

seen, wrong, objects = {}, [], 0
for name in os.listdir(sys.argv[2]):
	for line in open(os.path.join(sys.argv[2], name), encoding="utf-8"):
		try:
			x = json.loads(line)
		except ValueError:
			wrong.append(f"{line!r} is no JSON")
			continue
		if next(iter(x)) != "schema":
			wrong.append(f"{x}: does not begin with its schema")
			continue
		objects += 1
		known, met = documented.get(x["schema"], {}), seen.setdefault(x.pop("schema"), set())
		for field, value in fields(x):
			met.add(field)
			kind = known.get(field)
			for pattern, to in SAME if kind is None else ():
				kind = kind or known.get(re.sub("^" + pattern, to, field))
			if kind is None and any(one.startswith(field + ".") for one in known):
				kind = "object"
			if kind is None:
				wrong.append(f"{field} is printed and not described")
			elif not fits(value, kind):
				wrong.append(f"{field} is {value!r}, not: {kind}")
claim(set(seen) == set(documented), f"all {len(documented)} schemas were printed: " + ", ".join(sorted(set(seen) ^ set(documented))))
claim(objects > 50 and not wrong, f"what {objects} objects print is described, and of the type that is said")
for one in sorted(set(wrong)):
	print("#  ", one)
absent = sorted(f"{schema}: {field}" for schema in documented for field in documented[schema]
	if field not in seen.get(schema, ()) and field not in UNSEEN)
claim(not absent, "what is described is printed")
for one in absent:
	print("#  ", one)
END
done_testing
