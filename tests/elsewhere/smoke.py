# SPDX-License-Identifier: MIT
"""smoke.py COMMAND: checks what `COMMAND run -- python3` does on this machine, and prints a TAP
line for each claim. Uses only the standard library; works with Python 3.6."""
import os
import shutil
import subprocess
import sys
import tempfile

COUNT = """
import importlib._bootstrap_external as external, sys
compiled = 0
compile_source = external.SourceLoader.source_to_code
def count(self, *args, **more):
    global compiled
    compiled += 1
    return compile_source(self, *args, **more)
external.SourceLoader.source_to_code = count
sys.path.insert(0, sys.argv[1])
for number in range(11):
    __import__("m%d" % number)
print(compiled, sys.modules["m7"].VALUE)
"""

command = sys.argv[1]
top = tempfile.mkdtemp()
tree, copy = top + "/tree", top + "/copy"
environment = {"PATH": os.environ["PATH"], "HOME": top, "PYCSTASH_DIR": top + "/cache"}
os.mkdir(top + "/cache", 0o700)


def claim(sentence, got, want):
    print("%s - %s" % ("ok" if got == want else "not ok", sentence))
    if got != want:
        print("#   got:  %r\n#   want: %r" % (got, want))


def run(*words):
    done = subprocess.run(
        [command, "run", "--", sys.executable] + list(words),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    return done.stdout.strip()


def write(number, value):
    with open("%s/m%d.py" % (tree, number), "w") as file:
        file.write("VALUE = %d\n\n\ndef fail():\n    raise KeyError(VALUE)\n" % value)


os.mkdir(tree)
for number in range(11):
    write(number, number)
claim("a cold start compiles each module", run("-c", COUNT, tree), "11 7")
claim("a warm start compiles none", run("-c", COUNT, tree), "0 7")
shutil.copytree(tree, copy)
claim("a fresh copy compiles none", run("-c", COUNT, copy), "0 7")
write(7, 99)
claim("an edit compiles one", run("-c", COUNT, tree), "1 99")
trace = run("-c", "import sys; sys.path[0] = %r; import m7; m7.fail()" % copy)
claim("a traceback names the copy's file", copy + '/m7.py", line 5' in trace, True)
left = sorted(name for name in os.listdir(tree) if not name.endswith(".py"))
claim("the tree has sources only", left, [])
for name in ("stats", "gc", "verify", "ls"):
    done = subprocess.run([command, name], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    claim("pycstash %s works" % name, (done.returncode, done.returncode and done.stdout), (0, 0))
archive = top + "/archive"
done = subprocess.run([command, "export", "-q", archive], env=environment, stderr=subprocess.PIPE)
if done.returncode == 14:
    print("ok - an archive is written and read # SKIP there is no libarchive")
else:
    claim("an archive is written", done.returncode, 0)
    os.mkdir(top + "/other", 0o700)
    environment["PYCSTASH_DIR"] = top + "/other"
    done = subprocess.run([command, "import", "-q", archive], env=environment)
    claim("an archive is read", done.returncode, 0)
    claim("an imported cache serves", run("-c", COUNT, tree), "0 99")
shutil.rmtree(top)
