# SPDX-License-Identifier: MIT
#
# battery.py DIRECTORY: does what programs do to __pycache__, and prints a line for each thing
# that it saw. files.sh runs it with and without the library at the same path; no byte of the
# output may differ. Sections whose names begin with "tree_" put files into __pycache__ that
# belong in the tree; all others must leave no __pycache__ in the tree.
import compileall
import contextlib
import errno
import glob
import importlib
import importlib.util
import inspect
import io
import os
import pathlib
import pkgutil
import py_compile
import shutil
import stat
import subprocess
import sys
import tempfile
import traceback
import zipfile

top = os.path.abspath(sys.argv[1])
sections = []
section_name = ""
TIME = 1600000000
hashes = "NO_HASHES" not in os.environ  # pycs that go to the tree


def section(function):
    sections.append(function)
    return function


def size_of(path):
    """The size of a file without the seal, which an entry of the cache has at its end."""
    with open(path, "rb") as file:
        data = file.read()
    return len(data) - (128 if data[-128:-120] == b"pycseal\n" else 0)


def plain(value):
    """A value without what differs from run to run, or by a seal or an object's link."""
    if isinstance(value, os.stat_result):
        return "mode {:o} uid {}".format(value.st_mode, value.st_uid)
    if isinstance(value, bytes) and len(value) > 40:
        return "{} bytes".format(len(value))
    return repr(value)


def say(what, function, *args, **kwargs):
    try:
        result = plain(function(*args, **kwargs))
    except Exception as error:
        number = errno.errorcode.get(getattr(error, "errno", None), "")
        result = "{} {} {}".format(type(error).__name__, number, error)
    print("{}: {}: {}".format(section_name, what, result))


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    os.utime(path, (TIME, TIME))


def listed(path):
    return sorted(os.listdir(path))


def beside(path):
    """A listing of sources. The library shows no __pycache__ there: the tree has none."""
    return [name for name in listed(path) if name != "__pycache__"]


def load(name):
    importlib.invalidate_caches()
    sys.modules.pop(name, None)
    return importlib.import_module(name)


def sources():
    """A fresh directory with a module m, and its pyc made by importing it."""
    here = os.path.join(top, section_name)
    os.makedirs(os.path.join(here, "pkg", "sub"))
    write(here + "/m.py", "def f():\n    return g()\n\ndef g():\n    raise KeyError('m')\n")
    write(here + "/n.py", "N = 1\n")
    write(here + "/pkg/__init__.py", "")
    write(here + "/pkg/a.py", "A = 1\n")
    write(here + "/pkg/sub/__init__.py", "")
    write(here + "/pkg/sub/b.py", "B = 1\n")
    sys.path.insert(0, here)
    load("m")
    return here, here + "/__pycache__", importlib.util.cache_from_source(here + "/m.py")


@section
def looking(here, cache, pyc):
    for function in (os.path.exists, os.path.lexists, os.path.isfile, os.path.isdir,
                     os.path.islink, os.path.ismount, os.path.realpath, os.stat, os.lstat,
                     os.path.abspath):
        for path in (pyc, cache, pyc + "x", cache + "/", pyc + "/", cache + "/.",
                     cache + "/../m.py", cache + "/..", os.fsencode(pyc)):
            if function in (os.stat, os.lstat) and os.path.isdir(path):
                say(function.__name__, lambda: oct(function(path).st_mode))
            else:
                say(function.__name__, function, path)
    for mode in (os.F_OK, os.R_OK, os.W_OK, os.X_OK):
        say("access", os.access, pyc, mode)
        say("access of the directory", os.access, cache, mode)
        say("access with effective ids", os.access, pyc, mode, effective_ids=True)
    say("readlink", os.readlink, pyc)
    say("readlink of the directory", os.readlink, cache)
    say("samefile", os.path.samefile, pyc, here + "/pkg/../__pycache__/" + os.path.basename(pyc))
    say("size", size_of, pyc)
    say("regular", lambda: stat.S_ISREG(os.lstat(pyc).st_mode))
    say("its device is its directory's", lambda: os.stat(pyc).st_dev == os.stat(cache).st_dev)
    say("statvfs", lambda: os.statvfs(cache).f_namemax)
    say("pathconf", os.pathconf, cache, "PC_NAME_MAX")
    say("getxattr", os.getxattr, pyc, "user.none")
    say("listxattr", os.listxattr, pyc)


@section
def listing(here, cache, pyc):
    load("n")
    say("listdir", listed, cache)
    say("listdir with a slash", listed, cache + "/")
    say("listdir of bytes", listed, os.fsencode(cache))
    say("scandir", lambda: sorted((e.name, e.is_file(), e.is_symlink(), e.path, size_of(e.path))
                                  for e in os.scandir(cache)))
    say("walk", lambda: [(a, b, sorted(c)) for a, b, c in os.walk(cache)])
    say("fwalk", lambda: [(a, b, sorted(c)) for a, b, c, d in os.fwalk(cache)])
    say("glob", lambda: sorted(glob.glob(cache + "/*.pyc")))
    say("glob beside", lambda: sorted(glob.glob(here + "/__pycache__/m.*")))
    say("pathlib glob", lambda: sorted(pathlib.Path(cache).glob("n*")))
    say("iterdir", lambda: sorted(pathlib.Path(cache).iterdir()))
    say("pathlib resolve", lambda: pathlib.Path(pyc).resolve())
    say("listdir of a file", os.listdir, pyc)
    say("listdir of none", os.listdir, here + "/pkg/__pycache__")
    fd = os.open(cache, os.O_RDONLY)
    say("listdir of a descriptor", lambda: sorted(os.listdir(fd)))
    say("stat at a descriptor", os.stat, os.path.basename(pyc), dir_fd=fd)
    say("open at a descriptor", lambda: os.close(
        os.open(os.path.basename(pyc), os.O_RDONLY, dir_fd=fd)))
    os.close(fd)
    fd = os.open(here, os.O_RDONLY)
    say("stat below a descriptor", os.stat, "__pycache__/" + os.path.basename(pyc), dir_fd=fd)
    say("listing below a descriptor", lambda: os.close(
        os.open("__pycache__", os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)))
    os.close(fd)


@section
def relative(here, cache, pyc):
    os.chdir(here)
    name = "__pycache__/" + os.path.basename(pyc)
    say("stat", os.stat, name)
    say("listdir", listed, "__pycache__")
    say("stat with dots", os.stat, "./pkg/..//" + name)
    say("realpath", os.path.realpath, name)
    sys.path.insert(0, "")
    importlib.invalidate_caches()
    importlib.import_module("pkg.a")
    say("import from the working directory", listed, "pkg/__pycache__")
    os.chdir("pkg/sub")
    say("up", os.stat, "../../" + name)
    sys.path[0] = ".."
    load("a")
    say("import from above", listed, "../__pycache__")
    sys.path.pop(0)
    os.chdir("/")


@section
def reading(here, cache, pyc):
    say("read", lambda: open(pyc, "rb").read(4) == importlib.util.MAGIC_NUMBER)
    say("read all", lambda: len(pathlib.Path(pyc).read_bytes()) == os.stat(pyc).st_size)
    say("as text", lambda: open(pyc, "r", encoding="ascii").read())
    say("open with a slash", open, pyc + "/")
    say("open the directory", open, cache)
    say("open what is not there", open, cache + "/none.cpython-311.pyc")
    say("open exclusively", open, pyc, "x")
    say("open as a directory", os.open, pyc, os.O_RDONLY | os.O_DIRECTORY)
    say("open the directory to write", os.open, cache, os.O_WRONLY)
    say("open without following", lambda: os.close(os.open(pyc, os.O_RDONLY | os.O_NOFOLLOW)))
    say("source", importlib.util.source_from_cache, pyc)
    say("sourceless loader", lambda: importlib.machinery.SourcelessFileLoader("m", pyc)
        .get_code("m").co_name)


@section
def writing(here, cache, pyc):
    size = size_of(pyc)
    with open(pyc, "ab") as file:
        file.write(b"more")
    say("appended", lambda: os.path.getsize(pyc) - size)
    with open(pyc, "r+b") as file:
        file.write(b"XXXX")
    say("changed", lambda: open(pyc, "rb").read(4))
    os.truncate(pyc, 7)
    say("truncated", os.stat, pyc)
    say("imported again", lambda: load("m").f.__name__)
    say("healed", size_of, pyc)
    with open(pyc, "wb") as file:
        file.write(b"0" * 9)
    say("overwritten", os.stat, pyc)
    with open(cache + "/new.cpython-39.pyc", "x") as file:
        file.write("new")
    say("another version's", os.stat, cache + "/new.cpython-39.pyc")
    with open(cache + "/legacy.pyc", "w") as file:
        file.write("new")
    say("without a tag", os.stat, cache + "/legacy.pyc")
    fd = os.open(cache + "/o.pyc", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
    os.write(fd, b"abc")
    say("of another mode", os.fstat, fd)
    os.close(fd)


@section
def attributes(here, cache, pyc):
    for mode in (0o600, 0o444, 0o755):
        os.chmod(pyc, mode)
        say("chmod", os.stat, pyc)
    os.chmod(cache, 0o750)
    say("chmod of the directory", lambda: oct(os.stat(cache).st_mode))
    os.utime(pyc, (1, 2))
    say("utime", os.path.getmtime, pyc)
    os.utime(pyc, ns=(3, 4))
    say("utime", lambda: os.stat(pyc).st_mtime_ns)
    say("utime of the directory", lambda: (os.utime(cache, (5, 6)), os.path.getmtime(cache)))
    say("chown", os.chown, pyc, os.getuid(), os.getgid())
    say("copystat", lambda: (shutil.copystat(here + "/m.py", pyc), os.path.getmtime(pyc)))
    say("chmod of none", os.chmod, cache + "/none.pyc", 0o600)


@section
def deleting(here, cache, pyc):
    say("rmdir of a full directory", os.rmdir, cache)
    say("rmdir of a file", os.rmdir, pyc)
    say("unlink of the directory", lambda: os.unlink(cache))
    say("unlink", os.unlink, pyc)
    say("exists", os.path.exists, pyc)
    say("unlink again", os.unlink, pyc)
    say("listing", os.listdir, cache)
    say("rmdir", os.rmdir, cache)
    say("exists", os.path.exists, cache)
    say("rmdir again", os.rmdir, cache)
    load("m")
    say("imported again", listed, cache)
    say("rmtree", shutil.rmtree, cache)
    say("exists", lambda: (os.path.exists(cache), os.path.exists(pyc)))
    say("rmtree again", shutil.rmtree, cache)
    load("m")
    for path in glob.glob(cache + "/*"):
        os.remove(path)
    say("each removed", listed, cache)
    load("m")
    load("n")
    pathlib.Path(pyc).unlink()
    say("with pathlib", listed, cache)
    load("m")
    fd = os.open(here, os.O_RDONLY)
    say("unlink below a descriptor", os.unlink, "__pycache__/" + os.path.basename(pyc), dir_fd=fd)
    say("exists", os.path.exists, pyc)
    os.close(fd)
    load("pkg.sub.b")
    say("rmtree of the package", shutil.rmtree, here + "/pkg")
    say("exists", lambda: os.path.exists(here + "/pkg"))
    say("nothing left", lambda: os.path.exists(here + "/pkg/sub/__pycache__"))


@section
def renaming(here, cache, pyc):
    other = cache + "/other." + ".".join(os.path.basename(pyc).split(".")[1:])
    say("rename", os.rename, pyc, other)
    say("then", listed, cache)
    say("back", os.replace, other, pyc)
    say("then", listed, cache)
    say("rename of none", os.rename, other, pyc)
    say("onto a directory", os.rename, pyc, cache)
    say("to a package without one", os.rename, pyc, here + "/pkg/__pycache__/m.pyc")
    with contextlib.suppress(OSError):
        os.rename(here + "/pkg/__pycache__/m.pyc", pyc)
        os.rmdir(here + "/pkg/__pycache__")
    say("link to a package without one", os.link, pyc, here + "/pkg/__pycache__/m.pyc")
    shutil.rmtree(here + "/pkg/__pycache__", ignore_errors=True)
    say("a new file without one", open, here + "/pkg/__pycache__/m.pyc", "w")
    shutil.rmtree(here + "/pkg/__pycache__", ignore_errors=True)
    os.mkdir(here + "/pkg/__pycache__")
    say("to another package", os.rename, pyc, here + "/pkg/__pycache__/m.pyc")
    say("then", lambda: (listed(cache), listed(here + "/pkg/__pycache__")))
    say("out of it", os.rename, here + "/pkg/__pycache__/m.pyc", here + "/out.pyc")
    say("then", os.stat, here + "/out.pyc")
    shutil.rmtree(here + "/pkg/__pycache__")
    load("m")
    load("n")
    say("link", os.link, pyc, other)
    say("then", os.stat, other)
    say("link again", os.link, pyc, other)
    say("same", os.path.samefile, pyc, other)
    say("copy", shutil.copy, other, here + "/copy.pyc")
    say("copy2", shutil.copy2, here + "/copy.pyc", other)
    say("move", shutil.move, other, here + "/moved.pyc")
    say("then", listed, here + "/__pycache__")
    say("mkdir", os.mkdir, cache)
    say("makedirs", os.makedirs, cache, exist_ok=True)
    say("mkdir of a file", os.mkdir, pyc)
    shutil.rmtree(cache)


@section
def moving_directories(here, cache, pyc):
    load("n")
    say("rename of the directory", os.rename, cache, here + "/pkg/__pycache__")
    say("then", lambda: (os.path.exists(cache), listed(here + "/pkg/__pycache__")))
    say("and back", os.rename, here + "/pkg/__pycache__", cache)
    say("then", listed, cache)
    say("copytree", lambda: os.path.basename(shutil.copytree(cache, here + "/copied")))
    say("then", listed, here + "/copied")
    shutil.rmtree(cache)
    load("pkg.a")
    os.rename(here + "/pkg", here + "/pkg2")
    say("a package that was moved", lambda: load("pkg2.a").A)
    say("has its pycs", listed, here + "/pkg2/__pycache__")


@section
def importing(here, cache, pyc):
    module = load("m")
    say("__cached__", getattr, module, "__cached__")
    say("__file__", getattr, module, "__file__")
    say("the spec", lambda: (module.__spec__.origin, module.__spec__.cached))
    say("co_filename", lambda: module.f.__code__.co_filename)
    say("source", inspect.getsource, module.f)
    say("sourcefile", inspect.getsourcefile, module)
    say("loader", lambda: module.__loader__.get_filename("m"))
    say("data", lambda: len(module.__loader__.get_data(pyc)) == os.path.getsize(pyc))
    for _ in range(2):  # compiled, then loaded
        try:
            load("m").f()
        except KeyError:
            text = traceback.format_exc()
            print("importing: traceback:", text[text.index("in f") - 50:])
    write(here + "/m.py", "NEW = 1 + 1\n")
    say("reloaded", lambda: importlib.reload(module).NEW)
    write(here + "/broken.py", "def f(:\n")
    say("broken", load, "broken")
    say("broken leaves none", os.path.exists, importlib.util.cache_from_source(here + "/broken.py"))
    write(here + "/sourceless.py", "S = 1\n")
    py_compile.compile(here + "/sourceless.py", here + "/sourceless.pyc")
    os.unlink(here + "/sourceless.py")
    say("sourceless", lambda: load("sourceless").__file__)
    os.unlink(here + "/m.py")
    say("a pyc whose source is gone", load, "m")
    say("is still there", os.path.exists, pyc)
    say("packages", lambda: sorted(
        (m.name, m.ispkg) for m in pkgutil.walk_packages([here], onerror=print)))
    say("modules", lambda: sorted(m.name for m in pkgutil.iter_modules([here + "/pkg"])))
    say("data of a package", lambda: pkgutil.get_data("pkg", "a.py"))


@section
def compiling(here, cache, pyc):
    def run(function, *args, **kwargs):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            result = function(*args, **kwargs)
        return result, out.getvalue()

    name = here + "/pkg/a.py"
    say("py_compile", py_compile.compile, name)
    say("then", listed, here + "/pkg/__pycache__")
    say("again", py_compile.compile, name, doraise=True)
    for level in 1, 2:
        say("optimised", py_compile.compile, name, optimize=level)
    say("to a name", py_compile.compile, name, here + "/a.pyc")
    say("then", os.stat, here + "/a.pyc")
    # A name that importlib would not give goes to the tree, whose directory then is what is
    # listed: so in a directory of its own.
    say("to an odd name", py_compile.compile, name, here + "/odd/__pycache__/a.x-1.pyc")
    say("then", listed, here + "/odd/__pycache__")
    if sys.version_info >= (3, 7) and hashes:
        for mode in py_compile.PycInvalidationMode:
            say("mode", py_compile.compile, name, invalidation_mode=mode)
            say("flags", lambda: open(importlib.util.cache_from_source(name), "rb").read(8)[4:])
    write(here + "/bad.py", "x = (\n")
    say("bad", py_compile.compile, here + "/bad.py", doraise=True)
    os.unlink(here + "/bad.py")
    say("compile_file", run, compileall.compile_file, here + "/n.py")
    say("compile_file again", run, compileall.compile_file, here + "/n.py")
    say("forced", run, compileall.compile_file, here + "/n.py", force=True)
    say("compile_dir", lambda: run(compileall.compile_dir, here, quiet=1))
    say("then", lambda: [listed(here + d + "/__pycache__") for d in ("", "/pkg", "/pkg/sub")])
    say("legacy", lambda: run(compileall.compile_dir, here + "/pkg", quiet=1, legacy=True))
    say("then", beside, here + "/pkg/sub")
    link = importlib.util.cache_from_source(here + "/n.py")
    for directory in "", "/pkg", "/pkg/sub":
        shutil.rmtree(here + directory + "/__pycache__")
    say("gone", os.path.exists, link)


@section
def command_lines(here, cache, pyc):
    def run(*args, **kwargs):
        done = subprocess.run([sys.executable] + list(args), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True, **kwargs)
        return done.returncode, sorted(done.stdout.splitlines())

    def clean():
        found = []
        for directory in "", "/pkg", "/pkg/sub":
            try:
                found.append((directory, listed(here + directory + "/__pycache__")))
                shutil.rmtree(here + directory + "/__pycache__")
            except FileNotFoundError:
                pass
        return found

    clean()
    os.utime(here, (TIME, TIME))
    commands = [["."], ["-j2", "-f", "."], ["-b", "pkg"], [here + "/pkg", "n.py"], ["none"]]
    if sys.version_info >= (3, 7) and hashes:
        commands.append(["--invalidation-mode", "checked-hash", "."])
    if sys.version_info >= (3, 9):
        commands.append(["-o0", "-o1", "--hardlink-dupes", "."])
    for command in commands:
        say(" ".join(command), run, "-m", "compileall", *command, cwd=here)
        if "none" not in command and "pkg" not in command:
            say("again", run, "-m", "compileall", *command, cwd=here)
        if "--hardlink-dupes" in command:
            say("links", lambda: len({os.stat(cache + "/" + n).st_ino for n in listed(cache)}))
        say("made", clean)
        for name in "a.pyc", "__init__.pyc", "sub/b.pyc", "sub/__init__.pyc":
            with contextlib.suppress(FileNotFoundError):
                os.unlink(here + "/pkg/" + name)
    say("py_compile", run, "-m", "py_compile", "n.py", "pkg/a.py", cwd=here)
    say("py_compile of none", lambda: run("-m", "py_compile", "none.py", cwd=here)[0])
    say("-m", run, "-m", "pkg.a", cwd=here)
    say("made", clean)
    # Not [pyc], which is gone here: opening it would make it anew of a shared object.
    for argument in [cache], ["-m", "none"], ["-c", "import m; m.f()"]:
        say(argument[-1][-12:], run, *argument, cwd=here)
    say("made", clean)


@section
def modes(here, cache, pyc):
    for umask in 0o022, 0o077, 0o002, 0o000, 0o222:
        for mode in 0o644, 0o600, 0o444, 0o755, 0o664:
            directory = "{}/u{:o}m{:o}".format(here, umask, mode)
            os.mkdir(directory)
            name = "mod{:o}_{:o}".format(umask, mode)
            write(directory + "/" + name + ".py", "X = 1\n")
            os.chmod(directory + "/" + name + ".py", mode)
            sys.path[0] = directory
            old = os.umask(umask)
            for _ in range(2):
                load(name)
            os.umask(old)
            say("{:o} {:o} directory".format(umask, mode), lambda: "{:o}".format(
                os.stat(directory + "/__pycache__").st_mode))
            say("{:o} {:o} file".format(umask, mode), lambda: [
                (n, plain(os.stat(directory + "/__pycache__/" + n)))
                for n in listed(directory + "/__pycache__")])
    old = os.umask(0o027)
    say("py_compile", lambda: plain(os.stat(py_compile.compile(here + "/n.py"))))
    os.umask(old)
    sys.path[0] = here


@section
def zips(here, cache, pyc):
    py_compile.compile(here + "/n.py", here + "/n.pyc")
    with zipfile.ZipFile(here + "/z.zip", "w") as archive:
        archive.write(here + "/n.py", "zipped.py")
        archive.write(here + "/pkg/a.py", "zpkg/a.py")
        archive.write(here + "/pkg/__init__.py", "zpkg/__init__.py")
        archive.write(here + "/n.pyc", "zn.pyc")
    sys.path[0] = here + "/z.zip"
    for name in "zipped", "zpkg.a", "zn":
        say("import", lambda: load(name).__file__)
        say("spec", lambda: sys.modules[name].__spec__.cached)
    with zipfile.PyZipFile(here + "/p.zip", "w") as archive:
        archive.writepy(here + "/pkg")
        say("PyZipFile", archive.namelist)
    sys.path[0] = here
    say("then", beside, here)


@section
def tree_others(here, cache, pyc):
    write(cache + "/extra.c", "int x;")
    say("a file that is no bytecode", os.stat, cache + "/extra.c")
    say("its place", os.path.realpath, cache + "/extra.c")
    os.mkdir(cache + "/__pycache__")
    write(cache + "/__pycache__/inner.o", "o")
    say("deeper", listed, cache + "/__pycache__")
    os.symlink("extra.c", cache + "/link.c")
    say("a link", lambda: (os.readlink(cache + "/link.c"), open(cache + "/link.c").read()))
    os.mkfifo(cache + "/fifo")
    say("a fifo", lambda: stat.S_ISFIFO(os.stat(cache + "/fifo").st_mode))
    os.rename(cache + "/extra.c", cache + "/extra.d")
    say("renamed", os.path.exists, cache + "/extra.d")
    say("pyc", os.stat, pyc)
    say("imported", lambda: load("m").f.__name__)
    for name in "extra.d", "link.c", "fifo", "__pycache__/inner.o":
        os.unlink(cache + "/" + name)
    os.rmdir(cache + "/__pycache__")
    say("rmtree", shutil.rmtree, cache)
    say("exists", lambda: (os.path.exists(cache), os.path.exists(pyc)))


@section
def tree_symbolic_links(here, cache, pyc):
    name = os.path.basename(pyc)
    os.symlink(pyc, here + "/to-pyc")
    os.symlink(here, here + "/to-here")
    say("through a directory's other name", os.stat, here + "/to-here/__pycache__/" + name)
    say("same file", os.path.samefile, pyc, here + "/to-here/__pycache__/" + name)
    say("realpath", os.path.realpath, here + "/to-here/__pycache__/" + name)
    say("unlinked there", os.unlink, here + "/to-here/__pycache__/" + name)
    say("is gone here", os.path.exists, pyc)
    os.mkdir(here + "/elsewhere")  # stays empty under the library
    shutil.rmtree(cache)
    os.symlink("elsewhere", cache)  # a __pycache__ that is a link itself
    load("n")
    say("a linked __pycache__", os.path.islink, cache)
    say("imported through it", lambda: load("n").N)
    os.unlink(cache)
    load("n")
    os.mkdir(here + "/real")
    os.unlink(here + "/to-pyc")


@section
def tree_moved_in(here, cache, pyc):
    os.rename(pyc, here + "/out.pyc")
    say("into it", os.rename, here + "/out.pyc", pyc)
    say("then", os.stat, pyc)
    say("listing", listed, cache)
    say("imported", lambda: load("m").f.__name__)
    say("unlinked", os.unlink, pyc)
    say("then", os.path.exists, pyc)
    say("rmdir", os.rmdir, cache)
    say("then", os.path.exists, cache)


@section
def tree_temporary(here, cache, pyc):
    with tempfile.NamedTemporaryFile(dir=cache) as file:
        say("a temporary file", os.path.exists, file.name)
    with tempfile.TemporaryFile(dir=cache) as file:
        say("a nameless one", lambda: file.write(b"abc"))
    with tempfile.TemporaryDirectory(dir=cache) as directory:
        say("a directory", os.path.isdir, directory)
    say("imported", lambda: load("m").f.__name__)
    shutil.rmtree(cache)


@section
def tree_leftover(here, cache, pyc):
    """A package is replaced by one with a __pycache__, which is imported in part."""
    package = here + "/package"
    pyc = importlib.util.cache_from_source(package + "/o.py")
    file, directory = here + "/n.py", here + "/pkg"

    def replace(brings, modules):
        # Without the library. Of the same tick of the clock, all would be the earlier one's.
        subprocess.check_call(["env", "-u", "LD_PRELOAD", "sh", "-c",
                               'rm -rf "$0"; sleep 0.05; mkdir -p "$0$1"', package, brings])
        for module in "k", "o":
            write("{}/{}.py".format(package, module), "")
        for module in modules:
            load(module)

    def opened(flags):
        below = os.open(here, os.O_PATH)
        os.close(os.open(os.path.relpath(pyc, here), flags, dir_fd=below))
        os.close(below)

    sys.path.insert(0, package)
    for what, function, *args in (
            ("write", write, pyc, "new"), ("append", lambda: open(pyc, "a").close()),
            ("create", opened, os.O_CREAT | os.O_EXCL), ("write below", opened, os.O_CREAT),
            ("change", opened, os.O_RDWR), ("empty", opened, os.O_TRUNC | os.O_WRONLY),
            ("truncate", os.truncate, pyc, 0), ("chmod", os.chmod, pyc, 0o600),
            ("chown", os.chown, pyc, os.getuid(), -1), ("mkdir", os.mkdir, pyc),
            ("mkdir with a slash", os.mkdir, pyc + "/"), ("mkfifo", os.mkfifo, pyc),
            ("symlink", os.symlink, "x", pyc), ("link", os.link, file, pyc),
            ("link away", os.link, pyc, here + "/away"), ("rename", os.rename, file, pyc),
            ("rename of a directory", os.rename, directory, pyc),
            ("rename away", os.rename, pyc, here + "/away"), ("copy", shutil.copy, file, pyc)):
        os.makedirs(directory, exist_ok=True)
        write(file, "")
        replace("", ["k", "o"])
        replace("/__pycache__", ["k"])
        say(what, function, *args)
        say("then", lambda: oct(os.lstat(pyc).st_mode))
    shutil.rmtree(package)


for function in sections:
    section_name = function.__name__
    if len(sys.argv) > 2 and section_name not in sys.argv[2:]:
        continue
    path = list(sys.path)
    try:
        function(*sources())
    except Exception:
        print("{}: died".format(section_name))
        traceback.print_exc(file=sys.stdout)
    sys.path[:] = path
    for name in list(sys.modules):
        file = getattr(sys.modules[name], "__file__", None)
        if name != "__main__" and file and file.startswith(top):
            del sys.modules[name]
    os.chdir("/")
