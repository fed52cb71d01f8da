# SPDX-License-Identifier: MIT
#
# Modules of all sizes, and a program that imports them all:
#
#   crowd.py write DIR VERSION   recreates DIR/m0.py …, each with the same size and time
#                                whatever the version, which is a number of three digits
#   crowd.py DIR [HOW]           imports them; prints the versions that it got and how many it
#                                compiled, and exits with 7. HOW is "threads" or "forks":
#                                several threads, or processes, import at once
#   crowd.py burst COMMAND…      starts 16 of that command at once, and kills most of them
#                                at some moment; prints what else the others printed
import os
import random
import signal
import subprocess
import sys
import threading
import time
from importlib import machinery

COUNT = 24
compiled = []


def write(top, version):
    if not os.path.isdir(top):
        os.mkdir(top)
    for i in range(COUNT):
        functions = ["def f%d(a, b=%d):\n    'doc %d'\n    return a * b\n" % (k, k, k) for k in range(3 * i * i)]
        path = "%s/m%d.py" % (top, i)
        with open(path + ".new", "w") as file:
            file.write("V = '%s'\n" % version + "".join(functions))
        os.utime(path + ".new", (1500000000, 1500000000))
        os.rename(path + ".new", path)


real = machinery.SourceFileLoader.source_to_code


def count(self, data, path, *args, **options):
    compiled.append(path)
    return real(self, data, path, *args, **options)


def take(i):
    return __import__("m%d" % i).V


def program(top, how):
    machinery.SourceFileLoader.source_to_code = count
    sys.path.insert(0, top)
    children = []
    if how == "forks":
        for _ in range(2):
            child = os.fork()
            children = children + [child] if child else []
    if how == "threads":
        threads = [threading.Thread(target=take, args=(i,)) for i in range(COUNT)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    versions = sorted({take(i) for i in range(COUNT)})
    for child in children:
        assert os.waitpid(child, 0)[1] in (0, 7 << 8, signal.SIGKILL), "a child failed"
    print(" ".join(versions) + ", %d compiled" % len(compiled))
    sys.stdout.flush()
    os._exit(7)


def burst(command):
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=os.setsid)
        for _ in range(16)
    ]
    time.sleep(random.random() / 4)
    for process in processes:
        if random.random() < 0.6:
            os.killpg(process.pid, signal.SIGKILL)
        if random.random() < 0.3:
            time.sleep(random.random() / 50)
    said = set()
    for process in processes:
        out = process.communicate()[0].decode()
        if process.returncode != -signal.SIGKILL:
            said.update([line.split(",")[0] for line in out.splitlines()] + ["ended with %d" % process.returncode])
    print(" ".join(sorted(said)))


if sys.argv[1] == "write":
    write(sys.argv[2], sys.argv[3])
elif sys.argv[1] == "burst":
    burst(sys.argv[2:])
else:
    program(sys.argv[1], "".join(sys.argv[2:]))
