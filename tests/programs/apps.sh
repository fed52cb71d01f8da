#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Large programs (Mercurial, Django, SymPy), copied without any bytecode. They print the same
# with and without the library, and the second start compiles nothing.
#
# Takes 40 s.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/../library/interpreters.sh"

python=/usr/bin/python3
export PYTHONPATH

# copy MODULE…: copies the modules to $tree without their bytecode.
copy() {
	local module from
	tree=$T/$1-copy
	mkdir "$tree"
	for module in "$@"; do
		from=$($python -c "import importlib.util as u, os
s = u.find_spec('$module')
print(os.path.dirname(s.origin) if s.submodule_search_locations else s.origin)") || return
		tar -C "$(dirname "$from")" -c --exclude=__pycache__ --exclude='*.po' --exclude='*/tests/*' \
			"$(basename "$from")" | tar -C "$tree" -x || return
	done
	chmod -R a-w "$tree"
	remember
	PYTHONPATH=$tree
}
has() { $python -c "import $1" 2>/dev/null; }
writes() { # modules of the tree that were compiled, in -v output
	grep -cE "^# code object from '?$tree/.*\.py'?$" "$1"
}

if has sympy; then
	copy sympy mpmath
	program='import sympy as s; x = s.Symbol("x")
print(s.__file__, s.integrate(s.sin(x)**2 * x, x), s.factor(x**4 - 1), s.latex(s.series(s.exp(x), x, 0, 4)))'
	bare_said=$($python -B -c "$program" 2>&1)
	watched preloaded $python -v -c "$program"
	is "$said" "$bare_said" "SymPy computes the same with the library"
	is "$((compiled > 400)), $loaded, $(cached)" "1, 0, $compiled" "all $compiled modules of a cold start are in the cache"
	count=$compiled
	watched preloaded $python -v -c "$program"
	is "$said, $compiled, $loaded" "$bare_said, 0, $count" "the second start compiles nothing"
	untouched "SymPy's tree is unchanged"
else
	skip "SymPy works with the library" "python3-sympy is not installed"
fi

django_story() { # [preloaded] – what the steps say, without times
	local site=$T/site
	rm -rf "$site"
	mkdir "$site"
	"$@" $python -m django startproject shop "$site" || return
	(
		cd "$site" || return
		"$@" $python manage.py startapp goods
		echo 'from django.db import models
class Good(models.Model):
    name = models.CharField(max_length=20)' >goods/models.py
		echo 'from django.test import TestCase
from goods.models import Good
class GoodTest(TestCase):
    def test_good(self):
        Good.objects.create(name="x")
        self.assertEqual(Good.objects.count(), 1)
        self.assertEqual(self.client.get("/admin/login/").status_code, 200)
        self.assertEqual(self.client.get("/none").status_code, 404)' >goods/tests.py
		sed -i "s/INSTALLED_APPS = \[/&'goods',/" shop/settings.py
		"$@" $python manage.py check
		"$@" $python manage.py makemigrations goods
		"$@" $python manage.py migrate
		"$@" $python manage.py showmigrations --plan
		"$@" $python manage.py test
		find . -name __pycache__ -prune -o -type f -print | sort
	) 2>&1 | sed -E 's/in [0-9.]+s/in no time/'
}
if has django && has sqlite3; then
	copy django
	bare_said=$(PYTHONDONTWRITEBYTECODE=1 django_story env 2>&1)
	cached_said=$(django_story preloaded 2>&1)
	is "$cached_said" "$bare_said" "Django creates, migrates and tests a project as without the library"
	is "$(echo "$cached_said" | grep -cE '^(OK|System check identified no issues \(0 silenced\)\.)$')" 3 \
		"Django's checks and tests succeed"
	is "$(($(cached) > 300)), $(entries | grep -cF "/tree$T/site/goods/migrations/")" "1, 2" \
		"Django's modules and the project's own are in the cache ($(cached))"
	is "$(find "$T/site" -name __pycache__)" "" "the project has no __pycache__"
	cd "$T/site" || exit
	watched preloaded $python -v manage.py check
	is "$compiled, $((loaded > 100)), $status" "0, 1, 0" "the second start of a command compiles nothing: $loaded modules loaded"
	cd / || exit
	untouched "Django's tree is unchanged"
else
	skip "Django works with the library" "python3-django is not installed"
fi

hg_story() {
	local repository=$T/repository
	rm -rf "$repository"
	(
		"$@" "$hg" init "$repository" && cd "$repository" || return
		echo one >file
		"$@" "$hg" add file
		"$@" "$hg" commit -m first -u me -d '0 0'
		echo two >>file
		"$@" "$hg" diff --nodates
		"$@" "$hg" commit -m second -u me -d '1 0'
		"$@" "$hg" log --template '{rev} {node} {desc}\n'
		"$@" "$hg" --config extensions.rebase= --config extensions.purge= annotate file
		"$@" "$hg" clone -q . ../repository2 && "$@" "$hg" -R ../repository2 verify
		rm -rf ../repository2
	) 2>&1
}
if [ -x /usr/bin/hg ] && $python -c 'import mercurial' 2>/dev/null; then
	chmod -R u+w "$T"
	copy mercurial hgext hgdemandimport
	mkdir "$T/bin"
	hg=$T/bin/hg
	sed "1s,.*,#!$python," /usr/bin/hg >"$hg"
	chmod 755 "$hg"
	export HGRCPATH=''
	PYTHONDONTWRITEBYTECODE=1 hg_story env >"$T/bare.out"
	hg_story preloaded >"$T/cached.out"
	check "Mercurial does the same with the library: $(wc -l <"$T/cached.out") lines" cmp "$T/bare.out" "$T/cached.out"
	is "$(grep -c '^[01] [0-9a-f]\{40\}' "$T/cached.out")" 2 "Mercurial has made the commits"
	is "$(($(cached) > 50))" 1 "Mercurial's modules are in the cache: $(cached)"
	watched preloaded $python -v "$hg" -R "$T/repository" log -q
	is "$compiled, $((loaded > 20)), $status" "0, 1, 0" "the second start of a command compiles nothing: $loaded modules loaded"
	untouched "Mercurial's tree is unchanged"
else
	skip "Mercurial works with the library" "mercurial is not installed"
fi
done_testing
