# SPDX-License-Identifier: MIT
#
# The interpreter's side of `pycstash verify --deep` (recompile.c): compiles sources and
# compares their code with that of pycs. Executes neither, and opens neither: fd 1 is a file
# that holds a source, and then the code of a pyc.
#
#   at the start   "R"
#   request        the pyc's identity, opt level, "h" and the hash in its header
#                  (otherwise "-" and anything), size of its code, size of the source; and, to
#                  look at the source alone, how many code objects may be in each other
#   answer         "S" (same), "D" (different) or "U" (could not be compared), and why
import marshal
import os
import signal
import types
import warnings

PARTS = """argcount posonlyargcount kwonlyargcount nlocals stacksize flags consts names filename
    name qualname firstlineno exceptiontable""".split()
PARTS.append("linetable" if hasattr(types.CodeType, "co_linetable") else "lnotab")
# CPython 3.11 and later make these from what they have loaded, and believe it: asked for the
# free variables of forged code, they overwrite memory. co_code also hides instructions that take
# types and values for granted, with their caches.
RAW = hasattr(types.CodeType, "_co_code_adaptive")
if not RAW:
    PARTS += "code varnames freevars cellvars".split()
PARTS = ["co_" + part for part in PARTS if hasattr(types.CodeType, "co_" + part)]
if RAW:
    PARTS += ["_co_code_adaptive", "variables"]
SECONDS = 300  # of processor time, for one source: none takes nearly as long


def part_of(code, part):
    if part != "variables":
        return getattr(code, part)
    names = []
    try:
        while True:
            names.append(code._varname_from_oparg(len(names)))
    except IndexError:
        return tuple(names)


def key(value):
    """A number: equal constants alone have the same one; 1 and True, 0.0 and -0.0 differ. Each
    object is looked at once, since a few bytes of marshal can hold a tuple of two tuples that
    are the same tuple of two, and so on."""
    known = numbers.get(id(value))
    if known:
        return known[0]
    kind = type(value).__name__
    if isinstance(value, types.CodeType):
        parts = tuple(key(part_of(value, part)) for part in PARTS)
    elif isinstance(value, (tuple, list)):
        parts = tuple(key(one) for one in value)
    elif isinstance(value, (set, frozenset)):
        parts = tuple(sorted(key(one) for one in value))
    else:
        parts = hex(value) if kind == "int" else repr(value)
    number = kinds.setdefault((kind, parts), len(kinds))
    numbers[id(value)] = number, value  # so that no other object gets its id
    return number


def are_codes(*values):
    return all(isinstance(value, types.CodeType) for value in values)


def difference(a, b):
    for part in PARTS:
        one, two = part_of(a, part), part_of(b, part)
        if key(one) == key(two):
            continue
        if part == "co_consts" and len(one) == len(two):
            for c, d in zip(one, two):
                if are_codes(c, d) and key(c) != key(d):
                    return difference(c, d)
        return "%s of %s, line %d" % (part, a.co_name, a.co_firstlineno)


def kinds_of(code):
    """Of what kinds the variables of all functions are, according to marshal's bytes, which begin
    with a type, five numbers, and the instructions. To be called for what has the key of
    compiled code: marshal.dumps writes what is shared again and again."""
    found = []
    if RAW:
        names = part_of(code, "variables")
        before = code.co_consts, code.co_names, names
        start = 26 + len(code._co_code_adaptive) + sum(len(marshal.dumps(part, 2)) for part in before)
        found.append(marshal.dumps(code, 2)[start : start + 5 + len(names)])
        if found[0][:5] != b"s" + len(names).to_bytes(4, "little"):
            raise ValueError("the kinds of its variables are not where they are expected")
    for const in code.co_consts:
        if are_codes(const):
            found += kinds_of(const)
    return found


def depth(code):
    return 1 + max([0] + [depth(const) for const in code.co_consts if are_codes(const)])


def compile_source(source, filename, level):
    return compile(source, filename, "exec", dont_inherit=True, optimize=level)


def compare(made, stored):
    if key(made) != key(stored):
        return "D" + difference(stored, made)
    return "S" if kinds_of(made) == kinds_of(stored) else "Dkinds of variables"


def forget():
    kinds.clear()
    numbers.clear()


def try_source(source, level):
    """Raises an exception if the source's own code is too much for this interpreter."""
    try:
        made = compile_source(source, "", level)
    except ValueError as error:  # before CPython 3.12, for a NUL
        raise SyntaxError(error)
    compare(made, marshal.loads(marshal.dumps(made)))
    return made


def look(code_size, source, level):
    try:
        stored = marshal.loads(os.pread(1, code_size, len(source)))
        if not are_codes(stored):
            return "Dit holds no code object"
        return compare(compile_source(source, stored.co_filename, level), stored)
    except Exception as error:
        why = "%r" % error
    stored = None
    forget()
    # A compiler makes only what can be loaded and compared, if that is so for its source.
    try_source(source, level)
    return "Dits code cannot be loaded or compared: " + why


def hash_of(source):
    import importlib.util  # only for the few that have one
    return int.from_bytes(importlib.util.source_hash(source), "little")


def look_alone(source, level, most):
    if depth(try_source(source, level)) > most:
        return "Uthe code of its source is nested too deep"
    return "Dit ends the interpreter that loads it"


def lacks_encoding(source):
    """Whether the source names (PEP 263) an encoding that only its own program may define."""
    import codecs  # only for the few that do not compile
    import re
    named = re.match(br"(?:.*\n)?[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", source)
    try:
        return bool(named) and not codecs.lookup(named.group(1).decode("ascii"))
    except Exception:
        return True


def answer(identity, level, hash, code_size, source_size, most=None):
    what = identity, level
    try:
        if what not in seen:  # an entry and its object are often one file
            source = os.pread(1, int(source_size), 0)
            seen[what] = (look_alone(source, int(level), int(most)) if most else
                          look(int(code_size), source, int(level)))
            if hash[:1] == b"h" and int(hash[1:]) != hash_of(source):
                seen[what] = "Dits header has the hash of another source"
        return seen[what]
    except SyntaxError as error:
        kind = "U" if lacks_encoding(source) else "D"
        return kind + "its source does not compile: %s" % error
    except Exception as error:
        return "U%r" % error
    finally:  # if that crashes, it is not while another pyc is compared
        forget()


warnings.simplefilter("ignore")
seen, kinds, numbers = {}, {}, {}
os.write(0, b"R")
for request in iter(lambda: os.read(0, 4096), b""):
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    os.write(0, answer(*request.split()).encode("utf-8", "replace")[:4096])
