# SPDX-License-Identifier: MIT
#
# The interpreter's side of `pycstash warm` (warm_worker.h tells the protocol): the stock
# import system compiles each source, exactly as for an import, but for where the source
# comes from and where the bytecode goes.
import sys
from _frozen_importlib_external import SourceFileLoader


class Loader(SourceFileLoader):
    def path_stats(self, path):
        return {"mtime": self.mtime, "size": len(self.source)}

    def get_data(self, path):
        if path != self.path:  # a pyc
            raise FileNotFoundError(path)
        return self.source

    def set_data(self, path, data, **mode):
        self.pyc = data


def compile_source(path, mtime, source):
    loader = Loader("__main__", path)
    loader.mtime, loader.source, loader.pyc = mtime, source, None
    try:
        loader.get_code("__main__")
        return b"P", 0, loader.pyc
    except SyntaxError as error:
        line, message = error.lineno or 0, error.msg
        kind = type(error).__name__
    except Exception as error:
        line, message = 0, error
        kind = type(error).__name__
    text = "%s: %s" % (kind, message) if str(message) else kind
    return b"E", line, text.encode("utf-8", "backslashreplace")


def main():
    requests, answers = open(0, "rb", closefd=False), open(1, "wb", closefd=False)
    for line in requests:
        path_len, source_len, mtime = map(int, line.split())
        path = requests.read(path_len)
        path = path.decode(sys.getfilesystemencoding(), "surrogateescape")
        kind, line, data = compile_source(path, mtime, requests.read(source_len))
        answers.write(b"%b %d %d\n" % (kind, line, len(data)))
        answers.write(data)
        answers.flush()


# It was started with -B, so that nothing of its own is written anywhere.
sys.dont_write_bytecode = False
main()
