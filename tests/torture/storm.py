# SPDX-License-Identifier: MIT
#
# Many import, while others edit and purge: storm.py DIR CACHE SECONDS SO [PROCESSES THREADS]
#
# One process edits modules, each in its own way, always with the same size and time; a
# counter on either side of an edit tells which versions can have been seen. PROCESSES with
# THREADS each import them over and over under the library SO, and compare. One process
# removes parts of the cache, and one kills importers. Prints for each way
# "way: N imports, M wrong" and then "K killed, P purges, L lost".
import mmap
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

top, cache, seconds, library = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
WAYS = ["in_place", "renamed", "flipped", "link_flipped", "directory_swapped", "unlinked"]
WHEN = (1600000000, 1600000000)


class Counters(object):
    """begun and done for each way: an edit is between the two."""

    def __init__(self, path):
        if not os.path.exists(path):
            with open(path, "wb") as f:
                f.write(b"\0" * 4096)
        with open(path, "r+b") as f:
            # Words, which are read and written whole.
            self.words = memoryview(mmap.mmap(f.fileno(), 4096)).cast("Q")

    def get(self, way, which):
        return self.words[2 * way + which]

    def set(self, way, which, value):
        self.words[2 * way + which] = value


def source(n):
    return b"def f():\n    def g(): return 1%07d\n    return g()\n" % n


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)
    os.utime(path, WHEN)


def module_of(way):
    return os.path.join(top, way, "m.py")


def value_of(way, n):
    """Some ways have a new content each time, some go between two."""
    return n if way in ("in_place", "renamed") else n % 2


def edit(way, n):
    path = module_of(way)
    data = source(value_of(way, n))
    if way == "in_place":
        with open(path, "r+b" if os.path.exists(path) else "wb") as f:
            f.write(data)
        os.utime(path, WHEN)
    elif way in ("renamed", "flipped"):
        put(path + ".new", data)
        os.rename(path + ".new", path)
    elif way == "unlinked":
        put(path + ".new", data)
        if os.path.exists(path):
            os.unlink(path)
        os.rename(path + ".new", path)
    else:
        for i in (0, 1):
            target = os.path.join(top, way + str(i), "m.py")
            if not os.path.exists(target):
                os.mkdir(os.path.dirname(target))
                put(target, source(i))
        target = os.path.join(top, way + str(n % 2))
        if way == "link_flipped":  # the file is the link
            os.symlink(os.path.join(target, "m.py"), path + ".new")
            os.rename(path + ".new", path)
        else:  # the directory is
            if os.path.isdir(os.path.join(top, way)) and not os.path.islink(os.path.join(top, way)):
                os.rmdir(os.path.join(top, way))
            os.symlink(target, os.path.join(top, "new"))
            os.rename(os.path.join(top, "new"), os.path.join(top, way))


def import_all(seed, until, tell):
    """A thread of an importer."""
    from importlib.machinery import SourceFileLoader

    counters = Counters(os.path.join(top, "counters"))
    dice = random.Random(seed)
    seen = [0] * len(WAYS)
    wrong = []
    lost = 0
    while time.time() < until:
        way = dice.randrange(len(WAYS))
        least = counters.get(way, 1)
        try:
            code = SourceFileLoader("m", module_of(WAYS[way])).get_code("m")
        except (OSError, EOFError) as e:
            most = counters.get(way, 0)
            if least == most or not isinstance(e, OSError):
                wrong.append("%s: %r" % (WAYS[way], e))
            lost += 1  # between unlink and rename there is no source
            continue
        most = counters.get(way, 0)
        names = {}
        exec(code, names)
        seen[way] += 1
        possible = [value_of(WAYS[way], n) for n in range(least, most + 1)]
        if names.get("f", int)() - 10000000 not in possible:
            wrong.append("%s: is %r, could be %r" % (WAYS[way], names.get("f", int)(), possible[:5]))
    tell(seen, wrong, lost)


def importer(seed, until, threads):
    lock = threading.Lock()

    def tell(seen, wrong, lost):
        with lock:
            os.write(1, ("%s;%d;%s\n" % (",".join(map(str, seen)), lost, "|".join(wrong[:3]))).encode())

    crowd = [
        threading.Thread(target=import_all, args=(seed * 100 + i, until, tell)) for i in range(threads)
    ]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()


def editor(until):
    counters = Counters(os.path.join(top, "counters"))
    dice = random.Random(1)
    n = [0] * len(WAYS)
    while time.time() < until:
        way = dice.randrange(len(WAYS))
        n[way] += 1
        counters.set(way, 0, n[way])
        edit(WAYS[way], n[way])
        counters.set(way, 1, n[way])
        time.sleep(dice.choice([0, 0, 0.001, 0.005, 0.02]))


def purger(until):
    dice = random.Random(2)
    done = 0
    while time.time() < until:
        time.sleep(dice.uniform(0.02, 0.2))
        parts = [folder for folder, _, _ in os.walk(os.path.join(cache, "v1"))]
        if parts:
            shutil.rmtree(dice.choice(parts), ignore_errors=True)
            done += 1
    return done


def main():
    processes, threads = (int(n) for n in sys.argv[5:7])
    until = time.time() + seconds
    counters = Counters(os.path.join(top, "counters"))
    for way, name in enumerate(WAYS):
        os.mkdir(os.path.join(top, name))
        edit(name, 0)
    environment = dict(os.environ, LD_PRELOAD=library, PYCSTASH_DIR=cache)

    def start(seed):
        command = [sys.executable, __file__, top, cache, str(until), library, "importer", str(seed), str(threads)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)

    crowd = [start(i) for i in range(processes)]
    for work in (editor, purger):
        pid = os.fork()
        if pid == 0:
            os._exit(min(work(until) or 0, 250))
        crowd.append(pid)
    dice = random.Random(3)
    outputs = []
    killed = 0
    while time.time() < until - 1:
        time.sleep(dice.uniform(0.1, 0.4))
        one = dice.randrange(1, processes)  # the first one lives
        crowd[one].send_signal(signal.SIGKILL)
        crowd[one].communicate()
        killed += 1
        crowd[one] = start(10 + killed)
    for one in crowd[:processes]:
        outputs.append(one.communicate()[0].decode())
    os.waitpid(crowd[-2], 0)
    purges = os.WEXITSTATUS(os.waitpid(crowd[-1], 0)[1])
    seen, wrong, lost = [0] * len(WAYS), [], 0
    for line in "".join(outputs).splitlines():
        counts, gone, what = line.split(";", 2)
        seen = [a + int(b) for a, b in zip(seen, counts.split(","))]
        lost += int(gone)
        wrong += [w for w in what.split("|") if w]
    for way, name in enumerate(WAYS):
        mine = [w for w in wrong if w.startswith(name + ":")]
        print("%s: %d imports, %d wrong %s" % (name, seen[way], len(mine), "; ".join(mine[:3])))
    print("%d killed, %d purges, %d lost" % (killed, purges, lost))


if sys.argv[5] == "importer":
    importer(int(sys.argv[6]), seconds, int(sys.argv[7]))
else:
    main()
