# SPDX-License-Identifier: MIT
#
# A second reader of the format, written from docs/seal.md. Reads all files of a cache and
# prints a line for each that is not as it should be:
#
#   bad seal PATH      a final name without a valid seal
#   bad sum PATH       bytecode that is not what was sealed
#   bad digest PATH    an object that is not named after its source's digest
#   odd name PATH      neither an entry, nor an object, nor a temporary
#
# With -t also "temporary PATH". Ends with "N files, M objects, K temporaries".
import os
import re
import struct
import sys

SEAL = 128
PRIME = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1
SHORT = {"cpython-33", "cpython-34", "cpython-35", "cpython-36", "pypy33", "pypy35", "pypy36"}


def checksum(data, start):
    lanes = [start, 1, 2, 3]
    whole = len(data) // 32 * 32
    for i, word in enumerate(struct.unpack("<%dQ" % (whole // 8), data[:whole])):
        lanes[i % 4] = (lanes[i % 4] ^ word) * PRIME & MASK
    tail = data[whole:].ljust(32, b"\0")
    total = len(data)
    for lane, word in zip(lanes, struct.unpack("<4Q", tail)):
        lane = (lane ^ word) * PRIME & MASK
        total = (total ^ lane) * PRIME & MASK
    return total ^ total >> 32


def pyc_checksum(pyc, header, hashed):
    if len(pyc) < header:
        return checksum(pyc, 0)
    start = header if hashed else header - 8
    return checksum(pyc[header:], checksum(pyc[:start], 0))


def judge(path, tag):
    with open(path, "rb") as f:
        data = f.read()
    if len(data) <= SEAL:
        return "bad seal"
    pyc, seal = data[:-SEAL], data[-SEAL:]
    magic, version, size, flags, pyc_size = struct.unpack_from("<8sHHIQ", seal)
    if magic != b"pycseal\n" or version != 1 or size != SEAL or pyc_size != len(pyc):
        return "bad seal"
    if struct.unpack_from("<Q", seal, 120)[0] != checksum(seal[:120], 0):
        return "bad seal"
    header = 12 if tag.split("+")[0] in SHORT else 16
    if seal[104:108] != pyc[:4] or struct.unpack_from("<Q", seal, 96)[0] != pyc_checksum(
        pyc, header, flags & 4
    ):
        return "bad sum"
    if "/objects/" in path:
        parts = path.split("/")
        named = parts[-2] + parts[-1].split(".")[0]
        if not flags & 1 or named != "".join("%02x" % b for b in bytearray(seal[64:96])):
            return "bad digest"
        if parts[-3] != "".join("%02x" % b for b in bytearray(pyc[:4])):
            return "bad digest"
    return None


def main():
    root = sys.argv[-1]
    files = objects = temporaries = 0
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            parts = os.path.relpath(path, root).split("/")
            if name == "CACHEDIR.TAG" or parts[1].startswith("."):
                continue
            if re.search(r"\.pyc\.\d+$", name):
                temporaries += 1
                if "-t" in sys.argv:
                    print("temporary " + path)
                continue
            if len(parts) < 4 or parts[2] not in ("tree", "objects") or not name.endswith(".pyc"):
                print("odd name " + path)
                continue
            files += 1
            objects += parts[2] == "objects"
            wrong = judge(path, parts[1])
            if wrong:
                print(wrong + " " + path)
    print("%d files, %d objects, %d temporaries" % (files, objects, temporaries))


if __name__ == "__main__":
    main()
