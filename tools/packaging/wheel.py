# SPDX-License-Identifier: MIT
"""wheel.py BUILD VERSION TAG OUT: makes a wheel of what was built in BUILD, without the
network and without a build system. The same input makes the same bytes.

The command goes into the environment's bin, the library into its lib/pycstash, where the
command looks for it: so the environment may be moved. There is no Python module.
"""
import base64
import hashlib
import os
import sys
import time
import zipfile

ABOUT = """\
Metadata-Version: 2.1
Name: pycstash
Version: %s
Summary: ccache for Python bytecode: one cache instead of __pycache__ directories
License: MIT
Keywords: bytecode,cache,pyc,pycache,LD_PRELOAD
Classifier: Development Status :: 4 - Beta
Classifier: Environment :: Console
Classifier: License :: OSI Approved :: MIT License
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: C
Classifier: Programming Language :: Python :: 3
Classifier: Programming Language :: Python :: Implementation :: CPython
Classifier: Programming Language :: Python :: Implementation :: PyPy
Requires-Python: >=3.6
Description-Content-Type: text/markdown
License-File: LICENSE

"""
KIND = "Wheel-Version: 1.0\nGenerator: pycstash\nRoot-Is-Purelib: false\n"


def read(path):
    with open(path, "rb") as file:
        return file.read()


def contents(build, version, tag):
    """Pairs of a name in the wheel and (its bytes, its mode)."""
    data, info = "pycstash-%s.data/" % version, "pycstash-%s.dist-info/" % version
    yield data + "scripts/pycstash", (read(build + "/pycstash"), 0o755)
    yield data + "data/lib/pycstash/libpycstash.so", (read(build + "/libpycstash.so"), 0o644)
    pages = build + "/pages/man/"
    for name in os.listdir(pages):
        section = name.rsplit(".", 1)[1]
        yield data + "data/share/man/man%s/%s" % (section, name), (read(pages + name), 0o644)
    completions = build + "/pages/completions/"
    for name, place in (
        ("pycstash", "bash-completion/completions"),
        ("_pycstash", "zsh/site-functions"),
        ("pycstash.fish", "fish/vendor_completions.d"),
    ):
        yield data + "data/share/%s/%s" % (place, name), (read(completions + name), 0o644)
    yield info + "METADATA", ((ABOUT % version).encode() + read("README.md"), 0o644)
    tags = "".join("Tag: py3-none-%s\n" % one for one in tag.split("."))
    yield info + "WHEEL", ((KIND + tags).encode(), 0o644)
    yield info + "licenses/LICENSE", (read("LICENSE"), 0o644)


def main(build, version, tag, out):
    files = dict(contents(build, version, tag))
    record = "pycstash-%s.dist-info/RECORD" % version
    lines = []
    for name in sorted(files):
        digest = base64.urlsafe_b64encode(hashlib.sha256(files[name][0]).digest())
        lines.append("%s,sha256=%s,%d\n" % (name, digest.decode().rstrip("="), len(files[name][0])))
    files[record] = ("".join(lines + [record + ",,\n"]).encode(), 0o644)
    made = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800))[:6]
    path = "%s/pycstash-%s-py3-none-%s.whl" % (out, version, tag)
    os.makedirs(out, exist_ok=True)
    with zipfile.ZipFile(path + ".new", "w", zipfile.ZIP_DEFLATED) as wheel:
        for name in sorted(files, key=lambda name: (".dist-info/" in name, name)):
            member = zipfile.ZipInfo(name, made)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3
            member.external_attr = (0o100000 | files[name][1]) << 16
            wheel.writestr(member, files[name][0])
    os.rename(path + ".new", path)
    print(path)


main(*sys.argv[1:])
