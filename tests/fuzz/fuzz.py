#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Differential fuzzing of the interposed calls.

Each seed generates a sequence of calls. tests/calls/call makes them in two identical trees,
bare and under the library, and every line that it prints must be the same: the result,
errno, contents, modes, listings. If docs/limits.md says that programs can see a difference,
a row of EXCUSES names the sentence; each use of it is counted. Any other difference is
shrunk to the fewest calls, and printed as a block for found.calls.
"""
import argparse
import collections
import errno
import itertools
import os
import random
import re
import shutil
import stat
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# --- what is called ---------------------------------------------------------------------
# Weight, symbols (one of them is chosen), arguments. The function of that name in Sequence
# replaces a word of the form <name>; all other words stand for themselves.
CALLS = """
 5 mkdir <dir> <dirmode>
 2 mkdirat <at_dir> <dirmode>
12 open,open64,__open,__open64 <entry> O_WRONLY|O_CREAT<create> <mode>
 4 <publish>
 3 <python>
10 open,open64,__open,__open64 <path> <flags> <mode>
 5 openat,openat64 <at> <flags> <mode>
 1 __open_2,__open64_2 <path> <plain>
 1 __openat_2,__openat64_2 <at> <plain>
 1 openat2 <at> <plain> 0 <resolve> 0
 1 openat2 <at> O_WRONLY|O_CREAT <mode> 0 0
 1 creat,creat64 <path> <mode>
 4 fopen,fopen64 <path> <fopen>
 2 freopen,freopen64 <path> <fopen>
 8 stat,stat64,lstat,lstat64,__xstat,__xstat64,__lxstat,__lxstat64 <path>
 4 fstatat,fstatat64,__fxstatat,__fxstatat64,statx <at> <nofollow>
 2 access,eaccess,euidaccess <path> <digit>
 1 faccessat <at> <digit> <nofollow>
 1 statfs,statfs64,__statfs,statvfs,statvfs64 <path>
 1 pathconf <path> 3
 1 inotify_add_watch INOTIFY <path> IN_ALL_EVENTS
 2 mkdir <path> <dirmode>
 3 rmdir,remove <dir>
 1 rmdir <path>
 5 opendir,scandir,scandir64 <dir>
 1 scandirat,scandirat64 <at_dir>
 1 opendir,scandir <path>
 2 chdir <dir>
 1 fchdir FD:<dir>
 2 cd <where>
 5 unlink,remove <path>
 3 unlinkat <at> 0
 1 unlinkat <at_dir> AT_REMOVEDIR
 6 rename <path> <path>
 2 renameat <at> <at>
 2 renameat2 <at> <at> <exchange>
 3 link <path> <path>
 2 linkat <at> <at> <follow>
 1 symlink <target> <path>
 1 symlinkat <target> <at>
 2 readlink,__readlink_chk <path> <size>
 1 readlinkat,__readlinkat_chk <at> <size>
 3 realpath,__realpath_chk <path> BUF
 1 canonicalize_file_name <path>
 1 <pipe>
 1 mknod <path> S_IFREG|0640 0
 1 mknodat <at> S_IFREG|0640 0
 1 __xmknod <path> S_IFREG|0640
 1 __xmknodat <at> S_IFREG|0640
 1 <temporary>
 3 chmod,lchmod <path> <mode>
 1 fchmodat <at> <mode> 0
 1 chown,lchown <path> -1 -1
 1 fchownat <at> -1 -1 <nofollow>
 2 utime,utimes,lutimes <path> <time>
 1 futimesat <at> <time>
 1 utimensat <at> <time> <nofollow>
 3 truncate,truncate64 <path> <length>
 1 setxattr,lsetxattr <path> user.x 0
 1 getxattr,lgetxattr <path> user.x 99
 1 listxattr,llistxattr <path> 999
 1 removexattr,lremovexattr <path> user.x
"""
# Calls that are not fuzzed, but that have rows in tests/calls: they end or change the process,
# or are a part of listing a directory.
NOT_FUZZED = """readdir readdir64 rewinddir closedir execve execv execvp execvpe execveat posix_spawn posix_spawnp _exit _Exit
quick_exit setuid seteuid setreuid setresuid chroot mktemp"""

ENTRIES = """m.cpython-311.pyc m.cpython-311.opt-1.pyc n.cpython-311.pyc m.cpython-311.pyc.1234
r.cpython-311.pyc f-12.py311.nbi f-12.py311.1.nbc q.cpython-311-pytest-7.4.pyc
\\xc3\\xa9.cpython-311.pyc LONG:230.cpython-311.pyc""".split()
OTHERS = "keep.txt _cffi.c m.cpython-311-x86_64-linux-gnu.so m.pyc .hidden sub".split()
PLAIN = "f a/g.txt h c/new x1 a/x1 dang c/loop la a nothere/x a/m.py".split()
DIRS = """a c a/b d\\x20d \\xff\\xfe LONG:200 la a/lc c/abs a/../c a/./b a//b ./a a/b/..
a/b/../../c nodir f c/loop dang la/b/../lc""".split()

# What else is in the trees; a mode is one or more of these words, joined by "+".
WORDS = {
    "plain": "nothing else",
    "src": "sources",
    "few": "three names only, so that calls meet more often",
    "real": "a real __pycache__ beside that of the cache",
    "other": "names that no bytecode has",
    "links": "a __pycache__ that is a link, and one that is a file",
    "notag": "a program that has opened no bytecode",
    "user": "an ordinary user",
}


class Sequence:
    """The calls of a seed, as lines for call --script."""

    def __init__(self, seed, mode, length):
        self.random = random.Random("%s %d" % (mode, seed))
        self.lines = [] if "notag" in mode else ["open a/@/tag.cpython-311.pyc O_RDONLY"]
        self.names = ENTRIES[:3] if "few" in mode else ENTRIES
        if "other" in mode:
            self.names = self.names + OTHERS
        rows = [row.split() for row in CALLS.strip().splitlines()]
        for row in self.random.choices(rows, [int(row[0]) for row in rows], k=length):
            words = [self.pick(row[1].split(",")) if row[1][0] != "<" else row[1]] + row[2:]
            line = re.sub(r"<(\w+)>", lambda m: getattr(self, m[1])(), " ".join(words))
            self.lines += line.split("\n")
        self.lines += ["cd ABS:."]
        for directory in ("a", "a/b", "c"):
            self.lines += ["lstat %s/@" % directory, "opendir %s/@" % directory]
            for name in self.names[:6]:
                self.lines += ["open %s/@/%s O_RDONLY" % (directory, name)]
        self.lines += ["opendir /proc/self/fd"]

    def pick(self, choices):
        return self.random.choice(choices)

    def often(self, percent):
        return self.random.random() * 100 < percent

    # Paths.
    def where(self):
        directory = self.pick(["a", "c", "a/b", "a", "."] if self.often(60) else DIRS)
        if self.often(15):
            directory = "ABS:" + directory
        return directory + (self.pick(["/", "//", "/.", "/./"]) if self.often(10) else "")

    def dir(self):
        directory = self.where()
        if self.often(5):
            last = ["@/.", "@/", "@//.", "@/../@", "@/@", "./@", "@/.."]
            return directory + "/" + self.pick(last)
        return "@" if directory == "." else directory + "/@"

    def entry(self):
        between = self.pick(["/"] * 8 + ["//", "/./", "/../@/"])
        path = self.dir() + between + self.pick(self.names)
        if self.often(4):
            path += self.pick(["/", "/.", "/..", "/x", "/../" + self.pick(self.names)])
        return path

    def path(self):
        kind = self.random.random()
        if kind < 0.66:
            return self.entry()
        if kind < 0.80:
            return self.dir()
        if kind < 0.88:
            up = ["/..", "/../", "/../g.txt", "/../x1", "/../..", "/../@/m.cpython-311.pyc"]
            return self.dir() + self.pick(up)
        return self.pick(PLAIN)

    def below(self, path):
        """The path relative to a descriptor: the directory, and the rest of the path."""
        if path.startswith("ABS:"):
            return self.pick(["CWD ", "FD:a "]) + path
        return self.pick(["CWD ", "CWD ", "FD:ABS:a ../", "FD:ABS:a/b ../../"]) + path

    def at(self):
        return self.below(self.path())

    def at_dir(self):
        return self.below(self.dir())

    # Other arguments.
    def flags(self):
        flags = self.pick(["O_RDONLY", "O_RDONLY", "O_WRONLY", "O_WRONLY", "O_RDWR"])
        chances = {"O_CREAT": 60, "O_TRUNC": 30, "O_APPEND": 10, "O_CLOEXEC": 50}
        if flags == "O_RDONLY":
            chances = {"O_CREAT": 8, "O_TRUNC": 3, "O_PATH": 4, "O_CLOEXEC": 50}
        chances.update({"O_NOFOLLOW": 8, "O_DIRECTORY": 4, "O_NONBLOCK": 5})
        flags += "".join("|" + name for name, chance in chances.items() if self.often(chance))
        if "O_CREAT" in flags and self.often(25):
            flags += "|O_EXCL"
        return flags if self.often(98) else "O_TMPFILE|O_RDWR"

    def plain(self):
        return self.pick(["O_RDONLY", "O_WRONLY", "O_RDWR|O_TRUNC", "O_PATH", "O_RDONLY|O_NOFOLLOW"])

    def create(self):
        return self.pick(["", "|O_EXCL", "|O_TRUNC"])

    def mode(self):
        return self.pick(["0644", "0600", "0666", "0444", "0755", "0640", "0200"])

    def dirmode(self):
        return self.pick(["0755", "0777", "0700", "0711"])

    def fopen(self):
        return self.pick(["r", "w", "a", "r+", "w+", "wx", "re"])

    def nofollow(self):
        return self.pick(["0", "AT_SYMLINK_NOFOLLOW"])

    def follow(self):
        return self.pick(["0", "AT_SYMLINK_FOLLOW"])

    def exchange(self):
        return self.pick(["0"] + ["RENAME_NOREPLACE"] * 8 + ["RENAME_EXCHANGE"])

    def resolve(self):
        return self.pick(["0", "0", "RESOLVE_NO_SYMLINKS", "RESOLVE_BENEATH"])

    def target(self):
        return self.pick(["nowhere", "m.cpython-311.pyc", "../g.txt", "n.cpython-311.pyc"])

    def digit(self):
        return self.pick("01234567")

    def size(self):
        return self.pick(["1", "100", "4096"])

    def length(self):
        return self.pick(["0", "1", "10", "5000"])

    def time(self):
        return self.pick(["5000", "6000"])

    # Several calls.
    def publish(self):
        """Writes as importlib does."""
        final = "%s/@/%s" % (self.where(), self.pick(ENTRIES[:3]))
        flags = "O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC"
        return "open %s.4321 %s 0644\nrename %s.4321 %s" % (final, flags, final, final)

    def python(self):
        return "import %s/%s" % (self.pick(["a", "c", "a/b"]), self.pick("mnr"))

    def pipe(self):
        """Opening a FIFO would wait."""
        path = self.path()
        return self.pick(["mkfifo %s 0600", "mkfifoat CWD %s 0600"]) % path + "\nunlink " + path

    def temporary(self):
        """Its name is random, so it is deleted."""
        call = self.pick(["mkstemp %s", "mkostemp64 %s 0", "mkstemps %s.pyc 4", "mkdtemp %s"])
        path = self.dir() + "/tmp-XXXXXX"
        return call % path + "\ncd ABS:.\nsh rm -rf */__pycache__/tmp-* */*/__pycache__/tmp-* */tmp-*"


def all_symbols():
    """Makes a sequence from CALLS and the functions above."""
    words = " ".join(row.split()[1] for row in CALLS.strip().splitlines()).replace(",", " ")
    temporaries = "mkfifo mkfifoat mkstemp mkstemp64 mkostemp mkostemp64 mkstemps mkstemps64 mkostemps mkostemps64 mkdtemp"
    names = set((words + " " + temporaries + " " + NOT_FUZZED).split())
    return {name for name in names if name[0] != "<" and name != "cd"}


# --- what may differ --------------------------------------------------------------------
class Difference:
    """A line that differs between the two trees."""

    def __init__(self, twins, lines, number, bare, got):
        self.twins, self.lines, self.number = twins, lines, number
        self.call, self.bare, self.got = lines[number], bare, got
        self.symbol = self.call.split()[0]

    def name(self):
        """The class of the difference. Shrinking keeps the class."""
        short = [re.sub(r"^(-1 \w+|\w+).*", r"\1", text) for text in (self.bare, self.got)]
        if short[0] != short[1]:
            return "%s: %s -> %s" % (self.symbol, short[0], short[1])
        return "%s: %s" % (self.symbol, short[0])

    def failed(self, bare, got):
        """Whether the errors of both match; "ok" stands for no error."""
        errors = [re.match(r"-1 (\w+)", text) for text in (self.bare, self.got)]
        errors = [m[1] if m else "ok" for m in errors]
        return re.fullmatch(bare, errors[0]) and re.fullmatch(got, errors[1])

    def without(self, pattern):
        """Whether both lines are equal once the pattern is removed."""
        return re.sub(pattern, "", self.bare) == re.sub(pattern, "", self.got)

    def is_both(self):
        """Whether some __pycache__ that the call names is in the tree and in the cache."""
        return self.after(self.twins.has_both)

    def after(self, test):
        """The result of a test on the trees before the call."""
        self.twins.run(self.lines[: self.number])
        call = re.sub("^import (.*)/", r"import \1/@/", self.call)
        return test(call, self.lines[: self.number])

    def is_users(self):
        """Whether modes deny the program access."""
        return os.getuid() != 0 or "user" in self.twins.mode

    def was_closed(self):
        """Whether the mode of a __pycache__ was changed, and something imported."""
        changed = [i for i, line in enumerate(self.lines[: self.number]) if re.match(r"\w*chmod", line) and "@" in line]
        return any(line.startswith("import ") for line in self.lines[min(changed + [self.number]) : self.number])

    def has_moved_sources(self):
        """Whether a directory of sources may have been renamed."""
        return any(re.match(r"rename\S* ((CWD|FD:\S+) )?([^@ ]*[/:])?a ", line) for line in self.lines[: self.number])

    def has_touched_source(self):
        """Whether bytecode may belong to another source than the present one."""
        return any(re.search(r"\.py( |$)|^(rename|link)", line) for line in self.lines[: self.number])

    def lacks_rights(self):
        """Whether the mode differs only in rights that others do not have."""
        bare, got = [int(mode[1], 8) if mode else 0 for mode in (re.search(r"(?:dir|file) (\d+)", text) for text in (self.bare, self.got))]
        return got & ~bare == 0 and got >> 6 == bare >> 6

    def lacks_names(self, missing=None):
        """Whether it is a listing, and differs only in some of the names."""
        lists = [re.fullmatch(r"\[(.*)\]|\d+ (.*)", text) for text in (self.bare, self.got)]
        names = [set((m[1] or m[2]).split()) for m in lists if m]
        return len(names) == 2 and names[1] < names[0] and missing in (None, names[0] - names[1])


# The differences that are allowed: a name, the words of docs/limits.md that describe it, and a
# test for it.
EXCUSES = [
    (
        "O_EXCL and rmdir go by the tree's directory",
        "`O_EXCL` and `rmdir` go by the tree's directory",
        lambda d: d.failed("EEXIST|ENOTEMPTY", "ok") and d.is_both(),
    ),
    (
        "a directory has the times and the mode of the real one",
        "the times and the mode of the directory are the tree's, and `chdir` leads there",
        lambda d: d.is_both()
        and (d.without(r" at \d+") or d.failed("EACCES", "ok") and not re.search(r"@[/.]*( |$)", d.call) or d.without(" and written") or d.without(r" (0|-1)$") and "chdir" in d.symbol),
    ),
    (
        "a hard link is a copy",
        "is a copy, with a link count of its own",
        lambda d: d.without(r" links \d+") or d.without(r"\d+ links \d+.*") and any(line.startswith("link") for line in d.lines[: d.number]),
    ),
    (
        "a pretended directory is not renamed",
        "A whole `__pycache__` of the cache is not renamed to another name: `EXDEV`",
        lambda d: d.symbol.startswith("rename") and d.failed(r"ok|E\w+", "EXDEV"),
    ),
    (
        "nothing changes places",
        "with `RENAME_EXCHANGE`: it fails with `EINVAL`",
        lambda d: d.call.endswith("RENAME_EXCHANGE") and d.failed("ok|ENOENT|ENOTEMPTY|EACCES", "EINVAL"),
    ),
    (
        "a rename or link that fails for two reasons says the other",
        "that can fail for two reasons may give the error of the other reason",
        lambda d: re.match("rename|link", d.symbol)
        and (
            d.failed("ENOTDIR|EBADF|EBUSY|ELOOP|ENOTEMPTY|EEXIST", "ENOENT|EINVAL|EISDIR|EEXIST|ENOTEMPTY")
            or d.call.endswith("AT_SYMLINK_FOLLOW") and d.failed("ENOENT", "EEXIST|EACCES")
            or d.failed("ENOENT", "EINVAL") and re.search(r"@/\S*/\.? *$", d.call)
            or d.failed("EEXIST", "ENOTDIR") and re.search(r"/ ", d.call)
            or d.failed("EINVAL|EBUSY", "ENOTDIR") and not d.call.split()[1].endswith("@")
        ),
    ),
    (
        "the parent of a pretended directory is not removed",
        "so may `rmdir` of a path that ends in `__pycache__/..`",
        lambda d: re.match("rmdir|remove|unlinkat", d.symbol) and d.failed("ENOTEMPTY", "EINVAL"),
    ),
    (
        "a listing of the parent lacks a pretended directory",
        "**Listing its parent** does not show a `__pycache__` that only the cache has",
        lambda d: d.lacks_names({"@"}),
    ),
    (
        "openat2 with restrictions sees the tree",
        "`openat2` with restrictions on how the path is resolved sees the real tree",
        lambda d: d.symbol == "openat2" and "RESOLVE_" in d.call,
    ),
    (
        "a link to bytecode in the cache leads nowhere",
        "to bytecode that only the cache has leads nowhere",
        lambda d: d.after(d.twins.has_link)
        or any(re.search("b/+@/+@", line) or d.lacks_names() and "import a/b" in line for line in d.lines[: d.number] if "links" in d.twins.mode),
    ),
    (
        "stale bytecode is absent",
        "**Stale bytecode** counts as absent when it is opened",
        lambda d: d.has_touched_source()
        and (d.failed("ok", "ENOENT") or d.failed("ENOTEMPTY", "ok") or "chdir" in d.symbol and d.without(r" (0|-1)$") or (d.lacks_names() or re.search("open|import", d.symbol)) and d.is_both()),
    ),
    (
        "a file is not in the way of a __pycache__",
        "in the place of a `__pycache__` (a file, a link to another directory or to nowhere) is not in the way",
        lambda d: (d.symbol == "import" or d.failed("ENOTDIR|ENOENT|ELOOP", r"ok|E\w+")) and d.after(d.twins.has_file),
    ),
    (
        "a path goes on after bytecode",
        "may give `ENOENT` instead of `ENOTDIR`",
        lambda d: d.failed("ENOTDIR|ok", "ENOENT") and re.search(r"\.(pyc|nbi|nbc)\S*/", d.call),
    ),
    (
        "a closed directory",
        "a pretended `__pycache__` that is closed may give `ENOENT` instead of `EACCES`",
        lambda d: d.is_users()
        and "@/" in d.call
        and (
            d.failed("EACCES", r"E\w+")
            or d.failed("EACCES", "ok") and ("open" not in d.symbol or re.search(r"@[/.]*/\.\.", d.call) or d.after(d.twins.has_pretended))
        ),
    ),
    (
        "a closed directory that the program is in",
        "Below a directory that the program may not enter",
        lambda d: d.is_users() and (d.failed(r"ok|E\w+", r"E\w+") or d.failed(r"E\w+", "ok") or d.lacks_names()) and d.after(d.twins.has_closed_parent),
    ),
    (
        "sources that move leave a pretended directory behind",
        "leaves its pretended `__pycache__` behind",
        lambda d: (d.failed(r"ok|E\w+", "ENOENT") or d.failed("ENOENT", "ok") or d.lacks_names()) and d.has_moved_sources(),
    ),
    (
        "a closed real directory is listed alone",
        "and a listing of a directory that may not be entered",
        lambda d: d.is_users() and d.lacks_names() and d.is_both(),
    ),
    (
        "a closed real directory keeps no bytecode out of the cache",
        "**If the tree's `__pycache__` is closed to the program**, what the program compiles is kept in the cache",
        lambda d: d.is_users()
        and (d.without(" and written") or d.failed("EACCES", "ok") and re.search(r"\.pyc\.\d+ |O_TMPFILE", d.call) or d.bare == "compiled" and d.got == "served 'code'")
        and d.after(d.twins.has_closed)
        or d.is_users()
        and (d.failed("ENOENT", r"ok|E\w+") or re.match(r"\d+ \.|\[", d.got))
        and d.was_closed(),
    ),
    (
        "others have no more rights than to the directory above, or to the source",
        "Others get no right to it that they do not have to the directory above",
        lambda d: d.without(r"(dir|file) \d+") and d.lacks_rights(),
    ),
    (
        "a directory that is made real is another",
        "loses its extended attributes, and the mtime of its parent changes at that moment",
        lambda d: "dir" in d.got
        and d.without(r" at \d+")
        or re.search(r"xattr \S*@[/.]*( |$)", d.call)
        and (d.failed("ok", "ENODATA") or d.got == "0"),
    ),
    (
        "a mark is listed",
        "`user.pycstash.own`, and some directories have `user.pycstash.sorted`, which `listxattr` shows",
        lambda d: "listxattr" in d.symbol and any(d.got in (str(n), str(n + int(d.bare))) for n in (18, 21)),
    ),
]


# --- running ----------------------------------------------------------------------------
class Twins:
    """Two equal trees."""

    def __init__(self, build, base, mode):
        self.mode, self.base = mode, base
        self.call = shutil.copy(build + "/tests/calls/call", base)
        self.library = shutil.copy(build + "/libpycstash.so", base)
        self.trees = [base + "/bare/tree", base + "/with/tree"]
        self.uid = 65534 if "user" in mode and os.getuid() == 0 else None

    def make(self, top):
        os.chmod(self.base, 0o755)
        subprocess.run(["chmod", "-R", "u+rwx", os.path.dirname(top)], stderr=subprocess.DEVNULL)
        shutil.rmtree(os.path.dirname(top), ignore_errors=True)
        for name in ("a/b", "c", "d d", b"\xff\xfe".decode("utf-8", "surrogateescape"), "x" * 200):
            os.makedirs(top + "/" + name)
        os.mkdir(os.path.dirname(top) + "/cache", 0o700)
        for link, target in (("la", "a"), ("a/lc", "../c"), ("c/loop", "loop"), ("dang", "nowhere"), ("c/abs", top + "/a/b")):
            os.symlink(target, top + "/" + link)
        self.write(top, "f", "a/g.txt")
        if "src" in self.mode:
            for directory in ("a", "a/b", "c"):
                self.write(top, directory + "/m.py", directory + "/n.py")
        if "real" in self.mode:
            for directory in ("a", "c"):
                os.mkdir("%s/%s/__pycache__" % (top, directory))
                for name in ("m.cpython-311.pyc", "r.cpython-311.pyc"):
                    self.write(top, "%s/__pycache__/%s" % (directory, name))
        if "links" in self.mode:
            os.symlink("../../c", top + "/a/b/__pycache__")
            self.write(top, "c/m.cpython-311.pyc", "d d/__pycache__")
        if self.uid:
            subprocess.run(["chown", "-hR", "%d:%d" % (self.uid, self.uid), os.path.dirname(top)], check=True)

    @staticmethod
    def write(top, *names):
        for name in names:
            with open(top + "/" + name, "w") as file:
                file.write("text of " + name)
            os.utime(top + "/" + name, (900000000, 900000000))

    def start(self, top, preloaded):
        self.make(top)
        command = [self.call, "--script"]
        env = {"PATH": "/usr/bin:/bin", "HOME": self.base}
        if preloaded:
            command = ["env", "LD_PRELOAD=" + self.library, "PYCSTASH_DIR=%s/cache" % os.path.dirname(top)] + command
        if self.uid:
            command = ["setpriv", "--reuid=%d" % self.uid, "--regid=%d" % self.uid, "--clear-groups"] + command
        with open(self.base + "/script") as script:
            return subprocess.Popen(command, env=env, cwd=top, stdin=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, lines):
        """The output of both, as a list of lines each."""
        with open(self.base + "/script", "w") as script:
            script.write("\n".join(lines) + "\n")
        both = [self.start(top, top == self.trees[1]) for top in self.trees]
        printed = []
        for top, process in zip(self.trees, both):
            try:
                out = process.communicate(timeout=20)[0]
            except subprocess.TimeoutExpired:
                process.kill()
                out = process.communicate()[0] + b"\nhangs"
            out = out.replace(os.path.dirname(top).encode(), b"%%")
            printed.append(out.decode("utf-8", "backslashreplace").splitlines() + ["status %d" % process.returncode])
        return printed

    def places(self, call, before):
        """The real directory and the rest of each path of the call that has a __pycache__."""
        top, words = self.trees[1], call.split()[1:]
        cwds = {"."}  # where it may be
        for line in before:
            if line.startswith("cd "):
                went = {self.join(top, cwd, line[3:]) for cwd in cwds}
                cwds |= set(filter(self.may_be_directory, went))
            elif line.startswith(("chdir ", "fchdir ")):
                cwds.add(".")
        for cwd, (i, word) in itertools.product(cwds, enumerate(words)):
            base = self.join(top, cwd, words[i - 1][3:]) if i and words[i - 1].startswith("FD:") else cwd
            path = word[3:] if word.startswith("FD:") else word
            path = re.sub(r"@[/.]*/\.\.(?=/|$)", ".", path.replace("LONG:230", "x" * 230))
            while "@" in path:
                directory, _, rest = path.rpartition("@")
                yield os.path.realpath(self.join(top, base, directory)), rest.strip("/.")
                path = directory

    @staticmethod
    def may_be_directory(path):
        """An ordinary user may no longer be able to look there."""
        try:
            return stat.S_ISDIR(os.stat(path).st_mode)
        except OSError as error:
            return error.errno == errno.EACCES

    @staticmethod
    def join(top, base, path):
        path = re.sub(r"(\\x\w\w)+", lambda m: os.fsdecode(bytes.fromhex(m[0].replace("\\x", ""))), path).replace("LONG:200", "x" * 200)
        base, path = (".", path[4:]) if path.startswith("ABS:") else (base, path)
        return os.path.join(top, base, path)

    def has_both(self, call, before):
        """Whether a __pycache__ is in the tree and in the cache."""
        cache = os.path.dirname(self.trees[1]) + "/cache/v1/cpython-311/tree"
        reals = [real + "/__pycache__" for real, _ in self.places(call, before)]
        return any(os.path.isdir(real) and os.path.isdir(cache + real) for real in reals)

    def has_pretended(self, call, before):
        """Whether a __pycache__ is not in the tree."""
        return any(not os.path.isdir(real + "/__pycache__") for real, _ in self.places(call, before))

    def has_closed(self, call, before):
        """Whether a __pycache__ is closed to entry or to writing."""
        tops = [real + "/__pycache__" for real, _ in self.places(call, before)]
        tops += [os.path.dirname(self.trees[1]) + "/cache/v1/cpython-311/tree" + top for top in tops]
        return any(os.path.isdir(top) and os.stat(top).st_mode & 0o300 != 0o300 for top in tops)

    def has_closed_parent(self, call, before):
        """Whether a directory above may not be entered."""
        for path, _ in self.places(call, before):
            while path.startswith(os.path.dirname(self.trees[1])):
                try:
                    if not os.stat(path).st_mode & 0o100:
                        return True
                except PermissionError:
                    return True
                except OSError:  # there is none
                    pass
                path = os.path.dirname(path)
        return False

    def has_directory(self, call, before):
        """Whether a name in a __pycache__ is a directory."""
        places = ["%s/__pycache__/%s" % place for place in self.places(call, before) if place[1]]
        return any(os.path.isdir(place) and not os.path.islink(place) for place in places)

    def has_file(self, call, before):
        """Whether something that is not a directory is in place of a __pycache__."""
        places = [place[0] + "/__pycache__" for place in self.places(call, before)]
        return any(os.path.lexists(place) and not os.path.isdir(place) for place in places)

    def has_link(self, call, before):
        """Whether a name in a __pycache__ is a symbolic link, or one beside it leads to it."""
        for real, rest in self.places(call, before):
            top = real + "/__pycache__"
            if os.path.islink(top):
                return True
            names = os.listdir(top) if os.path.isdir(top) and os.access(top, os.R_OK | os.X_OK) else []
            links = [name for name in names if os.path.islink(top + "/" + name)]
            if any(rest in (name, os.readlink(top + "/" + name)) for name in links):
                return True
        return False


class Fuzz:
    def __init__(self, twins):
        self.twins = twins
        self.excused = collections.Counter()
        self.calls = 0

    def compare(self, lines, count=False):
        """The first difference that has no excuse, or None."""
        bare, got = self.twins.run(lines)
        printing = [i for i, line in enumerate(lines) if not line.startswith(("sh ", "cd "))]
        for i, a, b in zip(printing + [len(lines)] , bare, got):
            self.calls += count
            if a.startswith("errno ") and not b.startswith("errno "):
                a = a.split(" on success ", 1)[1]  # libc may touch it, we need not
            if i < len(lines) and lines[i].startswith("remove "):
                b = b.split(" on success ", 1)[-1]  # libc's remove() of a directory does
            if a == b:
                continue
            if i == len(lines):
                lines = lines + ["exit"]
            found = Difference(self.twins, lines, i, a, b)
            for name, _, excuses in EXCUSES:
                if excuses(found):
                    break
            else:
                return found
            if count:
                self.excused[name] += 1
            # From here on, the trees have different contents.
            through_link = name.startswith("a link to bytecode")
            if through_link or found.failed("ok", r"E\w+") or found.failed(r"E\w+", "ok"):
                return None
        return None

    def shrink(self, lines, name):
        """Reduces the lines to as few as possible that still have a difference of that class."""
        size = len(lines) // 2
        while size:
            start = 0
            while start < len(lines) - 1:
                fewer = lines[:start] + lines[min(start + size, len(lines) - 1) :]
                found = self.compare(fewer)
                if found and found.name() == name:
                    lines = fewer[: found.number + 1]
                else:
                    start += size
            size //= 2
        return lines


def check_excuses():
    with open(HERE + "/../../docs/limits.md") as file:
        limits = " ".join(file.read().split())
    missing = [name for name, words, _ in EXCUSES if words not in limits]
    if missing:
        sys.exit("docs/limits.md does not say what these excuses rest on: " + ", ".join(missing))


def replay(options):
    """Makes a claim of each block of a file: "# MODE: sentence", then calls."""
    with open(options.replay) as file:
        blocks = file.read().strip().split("\n\n")
    for block in blocks[1:]:  # after the licence
        head, *lines = block.split("\n")
        mode, sentence = head[2:].split(": ", 1)
        if "notag" not in mode:
            lines.insert(0, "open a/@/tag.cpython-311.pyc O_RDONLY")
        found = Fuzz(Twins(options.build, options.base, mode)).compare(lines)
        print("%s - %s" % ("not ok" if found else "ok", sentence))
        if found:
            print("#   %s\n#   bare: %s\n#   got:  %s" % (found.call, found.bare, found.got))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("base", help="a directory for the trees")
    parser.add_argument("--modes", default="plain,src,few", help=", ".join(WORDS) + "; joined by +")
    parser.add_argument("--seeds", default="0:100", help="from the first up to the one before the second")
    parser.add_argument("--length", type=int, default=60, help="of a sequence")
    parser.add_argument("--keep-going", action="store_true", help="shrink no difference, but name all")
    parser.add_argument("--replay", help="a file of calls that make claims, as found.calls")
    parser.add_argument("--symbols", action="store_true", help="print what CALLS has")
    options = parser.parse_args()
    if options.symbols:
        return print("\n".join(sorted(all_symbols())))
    check_excuses()
    options.build, options.base = map(os.path.abspath, (options.build, options.base))
    os.umask(0o022)
    if options.replay:
        return replay(options)
    first, last = map(int, options.seeds.split(":"))
    names = collections.defaultdict(list)
    calls = sequences = 0
    excused = collections.Counter()
    for mode in options.modes.split(","):
        fuzz = Fuzz(Twins(options.build, options.base, mode))
        for seed in range(first, last):
            lines = Sequence(seed, mode, options.length).lines
            found = fuzz.compare(lines, count=True)
            sequences += 1
            if not found:
                continue
            names[mode + " " + found.name()].append(seed)
            if not options.keep_going and len(names[mode + " " + found.name()]) == 1:
                lines = fuzz.shrink(lines[: found.number + 1], found.name())
                found = fuzz.compare(lines) or found  # a matter of time
                print("# %s: seed %d\n%s\n# bare: %s\n# got:  %s\n" % (mode, seed, "\n".join(lines), found.bare, found.got), flush=True)
        calls += fuzz.calls
        excused += fuzz.excused
    for name, seeds in sorted(names.items(), key=lambda item: -len(item[1])):
        print("different: %-50s %d seeds: %s" % (name, len(seeds), " ".join(map(str, seeds[:8]))))
    for name, count in excused.most_common():
        print("excused: %6d %s" % (count, name))
    print("%d sequences, %d calls, %d differences" % (sequences, calls, sum(map(len, names.values()))))
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
