# SPDX-License-Identifier: MIT
"""put.py HOW FROM TO: puts a pyc in its place with one of the calls that can do that.
Without arguments: prints the ways that this interpreter knows."""
import ctypes
import mmap
import os
import shutil
import sys

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100


def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "call")


def renameat2(old, new, flags):
    called(libc.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags))


def beside(old, new):
    """As an unpacker does: writes a file under another name, then renames it."""
    name = os.path.join(os.path.dirname(new), ".tmp-unpacked")
    shutil.copy(old, name)
    return name


def write(old, new):
    with open(new, "wb") as file:
        file.write(open(old, "rb").read())


def in_place(old, new):
    with open(new, "r+b" if os.path.exists(new) else "w+b") as file:
        file.write(open(old, "rb").read())
        file.truncate()


def in_pieces(old, new):
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC, 0o644)
    for byte in open(old, "rb").read():
        os.write(fd, bytes([byte]))
    os.close(fd)


def by_position(old, new):
    fd = os.open(new, os.O_RDWR | os.O_CREAT, 0o644)
    data = open(old, "rb").read()
    os.ftruncate(fd, len(data))
    for at in range(len(data) - 1, -1, -1):
        os.pwrite(fd, data[at:at + 1], at)
    os.close(fd)


def mapped(old, new):
    fd = os.open(new, os.O_RDWR | os.O_CREAT, 0o644)
    data = open(old, "rb").read()
    os.ftruncate(fd, len(data))
    with mmap.mmap(fd, len(data)) as view:
        os.close(fd)
        view[:] = data


def in_kernel(call):
    def put(old, new):
        size = os.stat(old).st_size
        source = os.open(old, os.O_RDONLY)
        target = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        if call == "copy_file_range":
            called(libc.copy_file_range(source, None, target, None, ctypes.c_size_t(size), 0))
        elif call == "splice":
            reader, writer = os.pipe()
            called(libc.splice(source, None, writer, None, ctypes.c_size_t(size), 0))
            called(libc.splice(reader, None, target, None, ctypes.c_size_t(size), 0))
        else:
            called(libc.sendfile(target, source, None, ctypes.c_size_t(size)))
    return put


def unnamed(old, new):
    fd = os.open(os.path.dirname(new), os.O_TMPFILE | os.O_WRONLY, 0o644)
    os.write(fd, open(old, "rb").read())
    if os.path.lexists(new):
        os.unlink(new)
    called(libc.linkat(AT_FDCWD, ("/proc/self/fd/%d" % fd).encode(), AT_FDCWD,
                       os.fsencode(new), 0x400))


def exchange(old, new):
    if not os.path.exists(new):
        open(new, "wb").close()
    renameat2(old, new, 2)


def link(old, new, name=None):
    if os.path.lexists(new):
        os.unlink(new)
    os.link(name or old, new)


def as_importlib(old, new):
    """Under the temporary name that importlib would give it."""
    name = "%s.%d" % (new, id(new))
    write(old, name)
    os.replace(name, new)


def as_importlib_elsewhere(old, new):
    name = "%s.%d" % (os.path.join(os.path.dirname(old), os.path.basename(new)), id(new))
    shutil.copy(old, name)
    os.replace(name, new)


def through_link(old, new):
    name = os.path.join(os.path.dirname(old), "link")
    if not os.path.lexists(name):
        os.symlink(os.path.dirname(new), name)
    write(old, os.path.join(name, os.path.basename(new)))


def by_descriptor(old, new):
    fd = os.open(os.path.dirname(new), os.O_RDONLY)
    target = os.open(os.path.basename(new), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644,
                     dir_fd=fd)
    os.write(target, open(old, "rb").read())


def rename_by_descriptor(old, new):
    fd = os.open(os.path.dirname(new), os.O_RDONLY)
    os.rename(old, os.path.basename(new), dst_dir_fd=fd)


def ask(new):
    """As py_compile does: looks at the source and the pyc, and reads both."""
    source = os.path.join(os.path.dirname(os.path.dirname(new)), "m.py")
    if os.path.exists(source):
        os.stat(source)
        try:
            open(new, "rb").read()
        except OSError:
            pass
        open(source, "rb").read()


def after_asking(old, new):
    ask(new)
    write(old, new)


def renamed_after_asking(old, new):
    ask(new)
    os.rename(old, new)


def whole_directory(old, new):
    place, top = os.path.dirname(new), os.path.dirname(old)
    if os.path.isdir(place):
        shutil.rmtree(place)
    os.rename(top, place)


ways = {
    "open and write": write,
    "write in place": in_place,
    "append byte by byte": in_pieces,
    "pwrite": by_position,
    "a shared mapping": mapped,
    "copy_file_range": in_kernel("copy_file_range"),
    "sendfile": in_kernel("sendfile"),
    "splice": in_kernel("splice"),
    "O_TMPFILE and linkat": unnamed,
    "rename": os.rename,
    "replace": os.replace,
    "rename of another name beside it": lambda old, new: os.rename(beside(old, new), new),
    "link": link,
    "link of another name beside it": lambda old, new: link(old, new, beside(old, new)),
    "RENAME_NOREPLACE": lambda old, new: (os.path.exists(new) and os.unlink(new),
                                          renameat2(old, new, 1)),
    "RENAME_EXCHANGE": exchange,
    "a name of importlib's": as_importlib,
    "a name of importlib's from elsewhere": as_importlib_elsewhere,
    "a link to its directory": through_link,
    "openat": by_descriptor,
    "renameat": rename_by_descriptor,
    "open and write as py_compile": after_asking,
    "rename as py_compile": renamed_after_asking,
    "rename of the directory": whole_directory,
    "shutil.copyfile": shutil.copyfile,
    "shutil.copy2": shutil.copy2,
    "shutil.move": lambda old, new: shutil.move(old, new),
}

if len(sys.argv) == 1:
    print("\n".join(sorted(ways)))
else:
    os.makedirs(os.path.dirname(sys.argv[3]), exist_ok=True)
    ways[sys.argv[1]](sys.argv[2], sys.argv[3])
