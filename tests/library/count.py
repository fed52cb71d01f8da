# SPDX-License-Identifier: MIT
#
# Counts what a program really compiles: count.py DIR MODULE… imports these modules from DIR,
# and prints "N compiled, M loaded" for the sources below DIR. It counts the calls of
# source_to_code, the function that importlib calls to compile.
import importlib
import importlib.machinery
import importlib.util
import os
import sys

top = os.path.abspath(sys.argv[1])
done = []
real = importlib.machinery.SourceFileLoader.source_to_code


def source_to_code(self, data, path, *args, **options):
    if path.startswith(top + "/"):
        done.append(path)
    return real(self, data, path, *args, **options)


importlib.machinery.SourceFileLoader.source_to_code = source_to_code
before = set(sys.modules)
sys.path.insert(0, top)
for name in sys.argv[2:]:
    importlib.import_module(name)
mine = [
    m
    for name, m in list(sys.modules.items())
    if name not in before and (getattr(m, "__file__", None) or "").startswith(top + "/")
]


def functions(code, path):
    """All code objects name the file that is imported, if they name one of its kind."""
    if os.path.basename(code.co_filename) != os.path.basename(path):
        return  # namedtuple's, or a decorator's
    assert code.co_filename == path, (code.co_filename, path)
    for const in code.co_consts:
        if hasattr(const, "co_code"):
            functions(const, path)


for module in mine:
    assert module.__spec__.cached == importlib.util.cache_from_source(module.__file__), module
    for value in vars(module).values():
        code = getattr(value, "__code__", None)
        if code is not None and getattr(value, "__module__", None) == module.__name__:
            functions(code, module.__file__)
print("%d compiled, %d loaded" % (len(done), len(mine) - len(done)))
