# SPDX-License-Identifier: MIT
#
# Imitates loaders other than the stock one, and interpreters of another release:
#
#   hook.py KIND DIR      imports m from DIR and prints "V, N compiled"
#
# KIND is plain; transform, which makes different bytecode from the source under the same
# name; named, which does so under a name of its own (as typeguard and beartype do); or magic,
# an interpreter of the same tag with another magic number.
import importlib._bootstrap_external as external
import sys

kind, top = sys.argv[1:]
compiled = []
real = external.SourceFileLoader.source_to_code


def source_to_code(self, data, path, *args, **options):
    compiled.append(path)
    if kind in ("transform", "named") and path.startswith(top):
        data = bytes(data).replace(b'"one"', b'"ONE"')
    return real(self, data, path, *args, **options)


external.SourceFileLoader.source_to_code = source_to_code
if kind == "named":
    stock = external.cache_from_source
    external.cache_from_source = lambda path, *_, **__: stock(path, optimization="typeguard443")
elif kind == "magic":
    external.MAGIC_NUMBER = b"\x11\x22\r\n"
    external._RAW_MAGIC_NUMBER = int.from_bytes(external.MAGIC_NUMBER, "little")
sys.path.insert(0, top)
import m  # noqa: E402

print("%s, %d compiled" % (m.V if m.V == m.f() else "torn", len(compiled)))
