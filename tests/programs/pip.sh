#!/bin/bash
# SPDX-License-Identifier: MIT
#
# venv and pip: an environment is created, and a package is installed, used and uninstalled,
# with and without the library at the same path.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/../library/interpreters.sh"

python=/usr/bin/python3
if ! $python -c 'import pip, venv, ensurepip' 2>/dev/null; then
	skip_all "pip works with the library" "python3-pip or python3-venv is not installed"
fi
tag=$(tag_of $python)
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INDEX=1 PIP_CONFIG_FILE=/dev/null
venv=$T/venv
version=$($python -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
site=$venv/lib/$version/site-packages

$python - "$T" <<'END'
import sys, zipfile
for version in "1.0", "2.0":
    name = "{}/stashed-{}-py3-none-any.whl".format(sys.argv[1], version)
    info = "stashed-{}.dist-info/".format(version)
    files = {
        "stashed/__init__.py": "VERSION = '{}'\n".format(version),
        "stashed/cli.py": "def main():\n    import stashed.deep.leaf as l\n    print('leaf', l.N)\n",
        "stashed/deep/__init__.py": "",
        "stashed/deep/leaf.py": "N = {}\n".format(int(float(version))),
        "single.py": "ONE = 1\n",
        info + "METADATA": "Metadata-Version: 2.1\nName: stashed\nVersion: {}\n".format(version),
        info + "WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        info + "entry_points.txt": "[console_scripts]\nstashed = stashed.cli:main\n",
    }
    files[info + "RECORD"] = "".join(f + ",,\n" for f in files) + info + "RECORD,,\n"
    with zipfile.ZipFile(name, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
END

# A listing of the environment: what there is besides bytecode.
listing() { (cd "$venv" && find . -name '__pycache__' -prune -o -type f -printf '%p\n' | sort); }

# Everything, and what was seen, on stdout.
story() { # [preloaded]
	rm -rf "$venv"
	"$@" $python -m venv --without-pip --system-site-packages "$venv" && echo "made"
	local pip=("$@" "$venv/bin/python" -m pip -q)
	"${pip[@]}" install "$T/stashed-1.0-py3-none-any.whl" && echo "installed"
	"$@" "$venv/bin/stashed"
	grep -v '^\.\./\|RECORD\|direct_url' "$site/stashed-1.0.dist-info/RECORD" | sort
	listing
	"${pip[@]}" install --upgrade "$T/stashed-2.0-py3-none-any.whl" && echo "upgraded"
	"$@" "$venv/bin/stashed"
	"$@" "$venv/bin/python" -c "import stashed, single, os
print(stashed.VERSION, sorted(os.listdir(os.path.dirname(stashed.__spec__.cached))))"
	"${pip[@]}" list 2>/dev/null | grep stashed
	"${pip[@]}" check
	"${pip[@]}" uninstall -y stashed && echo "uninstalled"
	"$@" "$venv/bin/python" -c "import stashed" 2>&1 | tail -1
	"$@" "$venv/bin/python" -c "import os, sys, json
site = '$site'
print([os.path.exists(os.path.join(site, n)) for n in ('stashed', 'stashed/__pycache__',
    'stashed/deep', '__pycache__/single.$tag.pyc')])"
	listing
}

bare=$(story env 2>&1)
is "$(find "$site" | grep -c stashed)" 0 "without the library pip leaves nothing of the package"
cached=$(story preloaded 2>&1)
is "$cached" "$bare" "venv and pip print and leave the same as without the library"
is "$(echo "$cached" | grep -cE '^(made|installed|upgraded|uninstalled|leaf [12])$')" 6 "venv, pip install, upgrade and uninstall succeed"
is "$(echo "$cached" | grep -c "^stashed.*/__pycache__/.*\.pyc,")" 4 "pip's RECORD lists the pycs"
is "$(find "$venv" -name __pycache__ | wc -l)" 0 "no __pycache__ appears in the environment"
is "$(find "$site" | grep -c stashed)" 0 "pip uninstall leaves no file of the package"

# What pip compiled at installation is what a start finds.
rm -rf "$venv" "$CACHE"
preloaded $python -m venv --without-pip --system-site-packages "$venv"
preloaded "$venv/bin/python" -m pip -q install "$T/stashed-1.0-py3-none-any.whl"
tree=$site
watched preloaded "$venv/bin/python" -v -c 'import stashed.cli as c, single; c.main()'
is "$(seen)" "leaf 1, 0 compiled, 5 loaded, status 0" "bytecode that pip has compiled is not compiled again"
# An environment with a pip of its own.
rm -rf "$venv"
preloaded $python -m venv "$venv" >"$T/.out" 2>&1
check "venv with pip works: $(head -c 300 "$T/.out")" preloaded "$venv/bin/pip" --version
is "$(find "$venv" -name __pycache__ | wc -l)" 0 "an environment of venv with pip has no __pycache__"
tree=$site
watched preloaded "$venv/bin/python" -v -m pip --version
watched preloaded "$venv/bin/python" -v -m pip --version
is "$compiled, $((loaded > 50)), $status" "0, 1, 0" "the pip of a new environment starts warm: $loaded modules"
# A source tree, in place.
mkdir -p "$T/source/hatched"
echo 'N = 7' >"$T/source/hatched/__init__.py"
echo 'from setuptools import setup
setup(name="hatched", version="1", packages=["hatched"])' >"$T/source/setup.py"
if preloaded "$venv/bin/python" -m pip -q install --no-build-isolation "$T/source" >"$T/.out" 2>&1; then
	is "$(preloaded "$venv/bin/python" -c 'import hatched; print(hatched.N)')" 7 \
		"a package is built and installed from its sources"
	preloaded "$venv/bin/python" -m pip -q uninstall -y hatched >"$T/.out" 2>&1
	is "$(find "$site" | grep -c hatched)" 0 "pip uninstalls a package that was built from its sources"
else
	if "$venv/bin/python" -m pip -q install --no-build-isolation "$T/source" >/dev/null 2>&1; then
		not_ok "a package is built and installed from its sources" "$(tail -5 "$T/.out")"
	else
		skip "a package is built and installed from its sources" "pip cannot build here without the library either"
	fi
fi
done_testing
