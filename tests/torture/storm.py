# SPDX-License-Identifier: MIT
#
# Many processes import while others edit and purge:
#   storm.py DIR CACHE SECONDS SO PROCESSES THREADS [COMMAND]
#
# One process edits modules, each in its own way, always with the same size and time; a counter
# on either side of an edit tells which versions can have been seen. PROCESSES with THREADS each
# import the modules again and again under the library SO, and compare. One process removes
# parts of the cache, and one kills importers. With COMMAND, which is pycstash, the command does
# the removing, repairing and filling, in two processes; some of its runs are killed, and the
# exit codes of the others are checked. Prints for each way "way: N imports, M wrong", and then
# "K killed, P purges, L lost".
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
            # Machine words, which are read and written as a whole.
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


def age(dice):
    """What gc takes for old: some files, and a temporary of one that was killed."""
    then = (time.time() - 7200,) * 2
    for folder, folders, files in os.walk(os.path.join(cache, "v1")):
        folders[:] = [f for f in folders if not f.startswith(".")]
        try:
            for name in files:
                if dice.random() < 0.3:
                    os.utime(os.path.join(folder, name), then)
            final = [name for name in files if name.endswith(".pyc")]
            if final:
                temporary = os.path.join(folder, final[0] + ".4711")
                open(temporary, "wb").close()
                os.utime(temporary, then)
        except OSError:
            pass  # somebody else was faster


def commander(until, seed, actions):
    """Runs the command; says on stderr what did not end as it should."""
    dice = random.Random(seed)
    environment = dict(os.environ, PYCSTASH_DIR=cache)
    done = 0
    while time.time() < until:
        action, codes = dice.choice(actions)
        if action[0] == "gc":
            age(dice)
        one = subprocess.Popen(
            [sys.argv[7]] + action, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if dice.random() < 0.2:
            time.sleep(dice.uniform(0, 0.01))
            one.kill()
            codes = codes + [-signal.SIGKILL]
        said = one.communicate()[0].decode("utf-8", "replace")
        if one.returncode not in codes:
            sys.stderr.write("%s: %d: %s\n" % (" ".join(action), one.returncode, said[-500:]))
        done += 1
    return done


def commanders(until):
    """Removers and fillers. The sources in `still` stay as they are: that they are compiled
    or imported must not fail because of others; the tree's may be another by then."""
    still, archive = os.path.join(top, "still"), os.path.join(top, "still.tar.zst")
    tag = sys.implementation.cache_tag
    warm = ["warm", "-j2", "--python", sys.executable]
    os.mkdir(still)
    for i in range(20):
        put(os.path.join(still, "m%d.py" % i), source(i))
    environment = dict(os.environ, PYCSTASH_DIR=cache)
    time.sleep(0.05)
    for action in (warm + ["-q", still], ["export", "-q", "--path", still, archive]):
        subprocess.check_call([sys.argv[7]] + action, env=environment)
    removers = [
        (["purge", "--all"], [0]),
        (["purge", "--tag", tag], [0]),
        (["purge", "--path", top], [0]),
        (["purge", "--state", "stale,damaged,orphan"], [0]),
        (["purge", "--older-than", "1h", "--no-reclaim"], [0]),
        (["gc", "--max-size", "64K", "--orphan-grace", "0s"], [0, 11]),
        (["gc", "--max-entries", "3"], [0, 11]),
        (["verify", "--repair"], [0, 11]),
    ]
    fillers = [
        (warm + [still], [0]),
        (warm + [top], [0, 3]),
        (["import", archive], [0]),
        (["import", "--force", archive], [0]),
        (["gc"], [0, 11]),
        (["stats"], [0]),
        (["ls", "--long"], [0]),
        (["du"], [0]),
    ]
    return [lambda: commander(until, 4, removers), lambda: commander(until, 5, fillers)]


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
    others = commanders(until) if len(sys.argv) > 7 else [lambda: purger(until)]
    pids = []
    for work in [lambda: editor(until)] + others:
        pid = os.fork()
        if pid == 0:
            os._exit(min(work() or 0, 250))
        pids.append(pid)
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
    for one in crowd:
        outputs.append(one.communicate()[0].decode())
    purges = sum(os.WEXITSTATUS(os.waitpid(pid, 0)[1]) for pid in pids)
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
