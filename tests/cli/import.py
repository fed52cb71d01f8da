# SPDX-License-Identifier: MIT
"""import.py CACHE OUT [CASE]: makes an archive of a cache as `pycstash export` does, and changes
it as CASE says. Without arguments, prints the cases.

The archive is a tar file without compression, which does not matter to these tests."""
import hashlib
import io
import json
import os
import sys
import tarfile

class Member:
    def __init__(self, name, data=b"", **header):
        self.name, self.data, self.header = name, data, header
        self.digest = hashlib.blake2b(data, digest_size=32).hexdigest()


def members_of(cache):
    found = []
    for top, folders, names in os.walk(os.path.join(cache, "v1")):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in set(names) - {"CACHEDIR.TAG"}:
            path = os.path.join(top, name)
            with open(path, "rb") as file:
                found.append(Member(os.path.relpath(path, cache), file.read()))
    # An object comes first, an entry last.
    return sorted(found, key=lambda m: [os.fsencode(part) for part in os.path.split(m.name)])


def renamed(name):
    def change(members, manifest):
        members[-1].name = name
    return change


def headed(**header):
    def change(members, manifest):
        members[-1].header.update(header)
    return change


def linked(target):
    def change(members, manifest):
        entry = members[-1]
        entry.data = b""
        entry.header.update(type=tarfile.LNKTYPE, linkname=target(members))
    return change


def told(**what):
    def change(members, manifest):
        manifest.update(what)
    return change


def with_data(change_data, digest=True):
    def change(members, manifest):
        entry = members[-1]
        entry.data = change_data(entry.data)
        if digest:
            entry.digest = hashlib.blake2b(entry.data, digest_size=32).hexdigest()
    return change


def flipped(data):
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


def twice(members, manifest):
    members.append(members[-1])
    manifest["files"] += 1
    manifest["bytes"] += len(members[-1].data)


def swapped(members, manifest):
    members[-1], members[-2] = members[-2], members[-1]


def other_object(members, manifest):
    members[0].name, members[1].name = members[1].name, members[0].name
    members[0], members[1] = members[1], members[0]


def sparse(realsize):
    def change(members, manifest):
        entry = members[-1]
        entry.header["pax"] = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0",
                               "GNU.sparse.name": entry.name,
                               "GNU.sparse.realsize": str(realsize)}
        entry.data = (b"1\n0\n%d\n" % len(entry.data)).ljust(512, b"\0") + entry.data
        manifest["bytes"] += 1 << 20
    return change


def with_map(members, manifest):
    """A sparse file with a million holes of no length; compressed, that is a few KB."""
    sparse(0)(members, manifest)
    members[-1].data = b"%d\n" % (1 << 20) + b"0\n0\n" * (1 << 20)


def directory(members):
    return os.path.dirname(members[-1].name)


def in_tree(name):
    def change(members, manifest):
        members[-1].name = directory(members) + "/" + name
    return change


def deep(members, manifest):
    tree = members[-1].name.split("/tree/")[0] + "/tree"
    members[-1].name = tree + "/d" * 3000 + "/__pycache__/" + os.path.basename(members[-1].name)


def above(members, manifest):
    entry = members[-1]
    entry.name = entry.name.replace("/tree/", "/tree/../../../../", 1)


REFUSED = {
    "absolute": renamed("/etc/cron.d/x"),
    "absolute-member": lambda m, _: setattr(m[-1], "name", "/" + m[-1].name),
    "dotdot": renamed("../../escape.cpython-311.pyc"),
    "dotdot-inside": above,
    "dot": lambda m, _: setattr(m[-1], "name", "./" + m[-1].name),
    "empty-component": lambda m, _: setattr(m[-1], "name", m[-1].name.replace("/tree/", "/tree//")),
    "other-layout": lambda m, _: setattr(m[-1], "name", "v2" + m[-1].name[2:]),
    "foreign-name": in_tree("readme.txt"),
    "temporary-name": lambda m, _: setattr(m[-1], "name", m[-1].name + ".12345"),
    "cachedir-tag": renamed("CACHEDIR.TAG"),
    "state": renamed("v1/.state/journal"),
    "trash": renamed("v1/.trash/x"),
    "not-in-pycache": lambda m, _: setattr(m[-1], "name", m[-1].name.replace("/__pycache__/", "/")),
    "long-component": in_tree("m" * 300 + ".cpython-311.pyc"),
    "deep": deep,
    "symlink": headed(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "directory": headed(type=tarfile.DIRTYPE),
    "fifo": headed(type=tarfile.FIFOTYPE),
    "device": headed(type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    "setuid": headed(mode=0o4755),
    "setgid": headed(mode=0o2755),
    "sticky": headed(mode=0o1644),
    "sparse": sparse(8192),
    "sparse-and-huge": sparse(1 << 40),
    "link-out": linked(lambda m: "/etc/passwd"),
    "link-up": linked(lambda m: "../../etc/passwd"),
    "link-to-entry": linked(lambda m: m[-2].name),
    "link-to-itself": linked(lambda m: m[-1].name),
    "link-of-other-version": linked(lambda m: m[0].name.replace("/cpython-3", "/cpython-9")),
    "link-with-data": lambda m, _: m[-1].header.update(
        type=tarfile.LNKTYPE, linkname=m[0].name, pax={"size": "512"}),
    "link-of-object": lambda m, _: m[1].header.update(
        type=tarfile.LNKTYPE, linkname=m[0].name),
    "twice": twice,
    "out-of-order": swapped,
    "more-files": lambda _, manifest: manifest.update(files=manifest["files"] - 1),
    "more-bytes": lambda _, manifest: manifest.update(bytes=manifest["bytes"] - 1),
    "bomb": told(bytes=1 << 50),
    "huge": headed(size=1 << 33),
    "negative-count": told(files=-1),
    "word-count": told(files="many"),
    "overflow": told(bytes=1 << 70),
    "newer-schema": told(schema="pycstash.archive/2"),
    "other-schema": told(schema="pycstash.archive/10"),
    "newer-layout": told(layout="v2"),
    "no-manifest": lambda m, manifest: manifest.clear(),
    "manifest-too-large": told(filler="x" * (17 << 20)),
    "manifest-damaged": told(damaged=True),
    "newer-and-other": told(schema="pycstash.archive/2", files="many", damaged=True),
}
DAMAGED = {
    "flipped": with_data(flipped),
    "other-bytes": with_data(flipped, digest=False),
    "no-digest": lambda m, _: setattr(m[-1], "digest", None),
    "no-seal": with_data(lambda data: data[:-128]),
    "shorter": with_data(lambda data: data[:-1]),
    "empty": with_data(lambda data: b""),
    "map-of-holes": with_map,
    "zeros-at-the-end": with_data(lambda data: data[:-100] + bytes(100)),
    "object-of-other-name": other_object,
    "fewer-files": lambda _, manifest: manifest.update(files=manifest["files"] + 2),
    "link-to-nothing": linked(
        lambda m: os.path.dirname(m[0].name) + "/" + "0" * 63 + ".pyc"),
}


def of_newer(data):
    """With a seal of a later format: its number is at byte 8 of the last 128 bytes."""
    return data[:-120] + b"\2\0" + data[-118:]


def with_newer_object(members, manifest):
    same = next(member for member in members if member.data == members[-1].data)
    linked(lambda m: same.name)(members, manifest)
    same.data = of_newer(same.data)
    same.digest = hashlib.blake2b(same.data, digest_size=32).hexdigest()


NEWER = {
    "newer-seal": with_data(of_newer),
    "link-to-newer-seal": with_newer_object,
}
GOOD = {
    "control": lambda m, _: None,
    "later-field": told(later={"field": [1, 2]}),
    "other-owner": headed(uid=12345, uname="mallory", mode=0o666, mtime=2 ** 31),
}


def build(cache, out, case):
    members = members_of(cache)
    manifest = {"schema": "pycstash.archive/1", "layout": "v1", "files": len(members),
                "bytes": sum(len(m.data) for m in members)}
    {**REFUSED, **DAMAGED, **NEWER, **GOOD}[case](members, manifest)
    if manifest:
        text = Member("pycstash.json", json.dumps(manifest, separators=(",", ":")).encode())
        if manifest.get("damaged"):
            text.digest = "0" * 64
        members.insert(0, text)
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.size = len(member.data)
            info.pax_headers = dict(member.header.pop("pax", {}))
            if member.digest and member.header.get("type") != tarfile.LNKTYPE:
                info.pax_headers["SCHILY.xattr.user.pycstash.blake2b"] = member.digest
            info.mode = 0o644
            for key, value in member.header.items():
                setattr(info, key, value)
            if info.type != tarfile.REGTYPE and "size" not in info.pax_headers:
                info.size = 0
            whole = info.size == len(member.data)
            tar.addfile(info, io.BytesIO(member.data) if whole else None)


if len(sys.argv) > 3:
    build(*sys.argv[1:])
else:
    for kind, cases in ("refused", REFUSED), ("damaged", DAMAGED), ("newer", NEWER), ("good", GOOD):
        print(kind, *(case for case in cases))
