# SPDX-License-Identifier: MIT
#
# The interpreter's side of packs (canonical.c): writes code objects in the one form that does
# not depend on where and when they were compiled. Executes none of them.
#
# stdin and stdout are records: a number, which an answer repeats, and the length, both in eight
# bytes, little-endian, and what marshal wrote. An empty answer says that it could not be done.
#
# Two things differ between compilations of the same source. One is the path, co_filename, which
# importlib corrects in whatever it loads. The other is which objects marshal marks as possible
# targets of references: those to which something else has a reference at that moment (w_ref in
# CPython's marshal.c). So here every object is referenced. Before CPython 3.11, a third
# difference is the order of frozensets, which also depends on the order in which they were
# filled; so here they are filled again in a fixed order. One difference stays: which constants
# were interned when they were compiled, which another module of the process may decide.
#
# Only built-in modules are imported: the directory in which this runs is on sys.path, because
# -I would also ignore PYTHONHASHSEED, which gives frozensets a fixed order.
import _imp
import _signal
import marshal
import sys

CODE = type((lambda: None).__code__)
PATH = "<pack>"
SECONDS = 300  # of processor time, for one object: none takes nearly as long
RAW = hasattr(CODE, "_varname_from_oparg")
LEFT = ["co_lnotab", "co_lines", "co_positions"]
if RAW:
    LEFT += ["co_varnames", "co_freevars", "co_cellvars"]
SLACK = 64  # the path may be longer than the one at which it was compiled
SORTS = sys.implementation.name != "cpython" or sys.version_info >= (3, 11)  # marshal itself


def with_consts(code, consts):
    if hasattr(code, "replace"):
        return code.replace(co_consts=consts)
    return CODE(  # before 3.8
        code.co_argcount, code.co_kwonlyargcount, code.co_nlocals, code.co_stacksize,
        code.co_flags, code.co_code, consts, code.co_names, code.co_varnames,
        code.co_filename, code.co_name, code.co_firstlineno, code.co_lnotab,
        code.co_freevars, code.co_cellvars)


def sort(value, done):
    """The same value, but its frozensets filled in one order; what is shared stays shared."""
    if not isinstance(value, (CODE, tuple, frozenset)):
        return value
    if id(value) not in done:
        if isinstance(value, CODE):
            new = with_consts(value, sort(value.co_consts, done))
        elif isinstance(value, tuple):
            new = tuple([sort(one, done) for one in value])
        else:
            new = frozenset(sorted([sort(one, done) for one in value], key=repr))
        done[id(value)] = new
    return done[id(value)]


def names_of(code):
    """The names of its variables. CPython 3.11 and later make co_varnames and the like from what
    they have loaded, and believe it: asked for the free variables of forged code, they overwrite
    memory."""
    names = []
    try:
        while True:
            names.append(code._varname_from_oparg(len(names)))
    except IndexError:
        return tuple(names)


def hold(value, held):
    if id(value) in held:  # a few bytes can hold a tuple of two that are one tuple of two, ...
        return
    held[id(value)] = value
    if isinstance(value, CODE):
        for name in dir(value):
            if name.startswith("co_") and name not in LEFT:
                hold(getattr(value, name), held)
        if RAW:
            hold(names_of(value), held)
    elif isinstance(value, (tuple, frozenset)):
        for one in value:
            hold(one, held)


def canonical(data):
    code = marshal.loads(data)
    if not isinstance(code, CODE):
        return b""
    _imp._fix_co_filename(code, PATH)
    if not SORTS:
        code = sort(code, {})
    held = {}
    hold(code, held)
    return marshal.dumps(code)


def main(records, answers):
    while True:
        head = records.read(16)
        if len(head) < 16:
            return
        data = records.read(int.from_bytes(head[8:], "little"))
        _signal.setitimer(_signal.ITIMER_PROF, SECONDS)
        try:
            answer = canonical(data)
        except (ValueError, EOFError, TypeError, RecursionError, MemoryError):
            answer = b""
        if len(answer) > 2 * len(data) + SLACK:  # marshal wrote what is shared again and again
            answer = b""
        answers.write(head[:8] + len(answer).to_bytes(8, "little"))
        answers.write(answer)


main(sys.stdin.buffer, sys.stdout.buffer)
