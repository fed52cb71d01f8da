# SPDX-License-Identifier: MIT
#
# The interpreter's side of `pycstash warm` (see warm_compile.c). It runs under the library and
# compiles one source after the other, as an import would, without executing it. Only the
# library decides what goes into the cache, and seals it.
#
#   request  source "\0" the path in the cache where the temporary file must appear
#            "\0" how many bytes the source may have "\0" the device, inode and change time of the
#            file that the command has found: it follows no links of other users
#   answer   "P" and the BLAKE2b digest of what was compiled (without _blake2: nothing),
#            "E" line " " message: the source cannot be compiled,
#            "N" errno: the bytecode cannot be stored in the cache, or is refused (VERDICT_ERRNO)
import posix
import sys
from _frozen_importlib_external import SourceFileLoader

try:
    from _blake2 import blake2b
except ImportError:
    blake2b = None

O_PATH = getattr(posix, "O_PATH", 1 << 21)  # Python 3.10 and later have its name


def read_source(path, most, expected):
    """Others may have put a pipe, a device, a hole or a link there by now, which is not opened."""
    found = posix.open(path, O_PATH)  # which the library here sees as opening the source
    try:
        st = posix.fstat(found)
        if "%d %d %d" % (st.st_dev, st.st_ino, st.st_ctime_ns) != expected:
            raise OSError("it was changed a moment before it was compiled; try again")
        if st.st_size > most:
            raise OSError("it is larger than %d MiB" % (most >> 20))
        same = "/proc/self/fd/%d" % found
        fd = posix.open(
            same if posix.access(same, posix.F_OK) else path,
            posix.O_RDONLY | posix.O_NONBLOCK | posix.O_NOCTTY,
        )
    finally:
        posix.close(found)
    with open(fd, "rb") as file:
        return file.read(st.st_size)


class Loader(SourceFileLoader):
    def get_data(self, path):
        if path != self.path:  # the pyc
            # This stat makes the library expect that the source is read. The pyc must not be
            # opened: a pyc in the tree could be valid, and we are here to replace it.
            try:
                posix.stat(path)
            except OSError:
                pass
            raise FileNotFoundError(path)
        self.source = read_source(path, self.most, self.expected)
        return self.source

    def source_to_code(self, *args, **kwargs):
        sys.dont_write_bytecode = True  # that of a codec, which the source may need
        try:
            return super().source_to_code(*args, **kwargs)
        finally:
            sys.dont_write_bytecode = False

    def set_data(self, path, data, _mode=0o666):
        self.bytecode = path, data, _mode


def is_at(fd, path):
    try:
        return posix.readlink("/proc/self/fd/%d" % fd) == path
    except OSError:
        return False


def write(fd, temporary, data):
    # Without the library, or if the library has given up, the file is in the tree.
    if not is_at(fd, temporary):
        posix.stat(temporary)  # through a link, or without /proc
    while data:
        data = data[posix.write(fd, data) :]


def store(temporary, path, data, mode):
    name = path[: path.rindex("/")] + temporary[temporary.rindex("/") :]
    fd = posix.open(name, posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL, mode)
    try:
        try:
            write(fd, temporary, data)
        finally:
            posix.close(fd)
        posix.replace(name, path)
    except OSError:
        try:
            posix.unlink(name)
        except OSError:
            pass
        raise


def error_answer(error, line, message):
    kind = "" if isinstance(error, OSError) else type(error).__name__
    text = ": ".join(filter(None, (kind, str(message))))
    return b"E%d %b" % (line or 0, text[:4096].encode("utf-8", "backslashreplace"))


def answer(path, temporary, most, expected):
    loader = Loader("__main__", path)
    loader.most, loader.expected = int(most), expected
    try:
        loader.get_code("__main__")
    except SyntaxError as error:
        return error_answer(error, error.lineno, error.msg)
    except OSError as error:
        return error_answer(error, 0, error.strerror or error)
    except Exception as error:
        return error_answer(error, 0, error)
    try:
        store(temporary, *loader.bytecode)
    except OSError as error:
        return b"N%d" % (error.errno or 0)
    return b"P" + (blake2b(loader.source, digest_size=32).digest() if blake2b else b"")


# The interpreter was started with -B so that it stores no bytecode of its own.
sys.dont_write_bytecode = False
for request in iter(lambda: posix.read(0, 1 << 16), b""):
    request = request.decode(sys.getfilesystemencoding(), "surrogateescape")
    posix.write(1, answer(*request.split("\0")))
