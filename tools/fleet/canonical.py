# SPDX-License-Identifier: MIT
#
# The interpreter's side of packs (canonical.c): writes code objects in the one way that does
# not depend on where and when they were compiled. Executes none of them.
#
# stdin and stdout are records: the length in eight bytes, little-endian, and what marshal
# wrote. An empty answer says that it could not be done.
#
# Two things differ between compilations of the same source. One is the path, co_filename,
# which importlib puts right in whatever it loads. The other is which objects marshal marks
# as ones that it may refer to: those that somebody else has a reference to at that moment
# (w_ref in CPython's marshal.c). So here everything has one. What stays is which constants
# were interned when they were compiled, which another module of the process may decide.
#
# Only modules that are built in are imported: the directory that this runs in is on sys.path,
# because -I would also ignore PYTHONHASHSEED, by which frozensets have one order.
import _imp
import marshal
import sys

CODE = type((lambda: None).__code__)
PATH = "<pack>"


def hold(value, held):
    held.append(value)
    if isinstance(value, CODE):
        for name in dir(value):
            if name.startswith("co_") and name not in ("co_lnotab", "co_lines", "co_positions"):
                hold(getattr(value, name), held)
    elif isinstance(value, (tuple, frozenset)):
        for one in value:
            hold(one, held)


def canonical(data):
    code = marshal.loads(data)
    if not isinstance(code, CODE):
        return b""
    _imp._fix_co_filename(code, PATH)
    held = []
    hold(code, held)
    return marshal.dumps(code)


def main(records, answers):
    while True:
        head = records.read(8)
        if len(head) < 8:
            return
        data = records.read(int.from_bytes(head, "little"))
        try:
            answer = canonical(data)
        except (ValueError, EOFError, TypeError, RecursionError):
            answer = b""
        answers.write(len(answer).to_bytes(8, "little") + answer)


main(sys.stdin.buffer, sys.stdout.buffer)
