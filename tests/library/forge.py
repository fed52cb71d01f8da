# SPDX-License-Identifier: MIT
#
# forge.py SOURCE PYC CODE [RELEASE]: writes to PYC the bytecode of CODE with a well-formed seal
# (docs/seal.md) that claims that it was compiled from the content of the file SOURCE, by that
# release of the interpreter.
import hashlib
import importlib.util
import marshal
import struct
import sys

PRIME, MASK = 0x9E3779B97F4A7C15, 2**64 - 1


def step(state, word):
    return (state ^ word) * PRIME & MASK


def checksum(data, start=0):
    lanes = [start, 1, 2, 3]
    for i, (word,) in enumerate(struct.iter_unpack("<Q", data + bytes(32 - len(data) % 32))):
        lanes[i % 4] = step(lanes[i % 4], word)
    state = len(data)
    for lane in lanes:
        state = step(state, lane)
    return state ^ state >> 32


def seal(pyc, digest, size, release):
    data = struct.pack(
        "<8sHHIQQQqqII32sQ4sIQ", b"pycseal\n", 1, 128, 1 | release << 4, len(pyc), size, 0, 0, 0, 0, 0, digest,
        checksum(pyc[16:], checksum(pyc[:8])), pyc[:4], 0, checksum(pyc[16:][-384:])
    )
    return data + struct.pack("<Q", checksum(data))


source = open(sys.argv[1], "rb").read()
code = marshal.dumps(compile(sys.argv[3], "forged", "exec"))
pyc = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, 0, len(source)) + code
with open(sys.argv[2], "wb") as f:
    f.write(pyc + seal(pyc, hashlib.blake2b(source, digest_size=32).digest(), len(source),
                       int((sys.argv + ["0"])[4])))
