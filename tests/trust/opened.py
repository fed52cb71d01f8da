# SPDX-License-Identifier: MIT
#
# What a command opens, or makes its terminal:
#
#   opened.py PIPE COMMAND…      prints "opened" if the command opens the pipe, "hangs" if it does
#                                not end within 20 seconds; a look by O_PATH does not count
#   opened.py "" COMMAND…        prints "taken" if the command, in a session of its own, makes a
#                                terminal its own that it reads; its name takes the place of TERMINAL
import ctypes
import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time

IN_OPEN = 0x20
libc = ctypes.CDLL(None, use_errno=True)


def start(command):
    null = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    return subprocess.Popen(command, start_new_session=True, **null)


def end(child):
    try:
        child.wait(20)
    except subprocess.TimeoutExpired:
        print("hangs")
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def watch(pipe, command):
    watcher = libc.inotify_init1(os.O_NONBLOCK)
    if libc.inotify_add_watch(watcher, os.fsencode(pipe), IN_OPEN) < 0:
        raise OSError(ctypes.get_errno(), pipe)
    end(start(command))
    try:
        os.read(watcher, 4096)
        print("opened")
    except BlockingIOError:
        pass


def lend(command):
    master, terminal = pty.openpty()
    os.write(master, b"\n")  # it waits for more
    name = os.ttyname(terminal)
    child = start([name if word == "TERMINAL" else word for word in command])
    while fcntl.ioctl(terminal, termios.FIONREAD, bytes(4)) != bytes(4) and child.poll() is None:
        time.sleep(0.01)
    if child.poll() is not None:
        print("not read")
    elif libc.tcgetsid(master) == child.pid:
        print("taken")
    os.write(master, b"\x04")  # the end of its input
    end(child)


if sys.argv[1]:
    watch(sys.argv[1], sys.argv[2:])
else:
    lend(sys.argv[2:])
