# SPDX-License-Identifier: MIT
"""controls.py names prints names of directories, with every character that controls a terminal
or hides something; controls.py check FILE… prints which of these characters are in the files."""
import sys

CODES = [*range(1, 0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F),
         *range(0x2066, 0x206A)]
RAW = bytes(range(0x80, 0xA0))  # C1 for a terminal of eight bits, no UTF-8


def names():
    for start in range(0, len(CODES), 20):
        yield "x".join(map(chr, CODES[start:start + 20])).encode()
    yield RAW
    yield b"one\nforged: line\r\x1b[2Jforged\x9b31m"


def forbidden(data):
    """The control characters of a text, except the line feed at the end of each line."""
    text = data.decode("utf-8", "surrogateescape")
    found = {char for char in text if char != "\n" and ord(char) in CODES}
    found |= {char for char in text if 0xDC80 <= ord(char) < 0xDCA0}
    if any(line.startswith("forged") for line in text.splitlines()):
        found.add("a line of the attacker's")
    return sorted(found)


if sys.argv[1] == "names":
    for name in names():
        sys.stdout.buffer.write(name + b"\0")
else:
    for path in sys.argv[2:]:
        with open(path, "rb") as file:
            found = forbidden(file.read())
        if found:
            print(path.rsplit("/", 1)[1], ascii(found[:8]))
