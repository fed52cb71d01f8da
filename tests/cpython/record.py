# SPDX-License-Identifier: MIT
#
# record.py RECORD TEST…: runs CPython's own tests as `python -m test -v TEST…` does, and
# writes a line for each test case to the file RECORD: "outcome<tab>test's id". Outcomes
# are ok, skipped, FAIL, ERROR, "expected failure" and "unexpected success". Subtests
# count only where they fail, under the id of their test: their parameters hold
# temporary names.
import os
import runpy
import sys
import unittest

record = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
os.set_inheritable(record, False)
owner = os.getpid()


def note(outcome, test):
    # Some tests fork, or run other tests inside (as test_unittest does); those are not recorded.
    if os.getpid() == owner and not test.startswith(("__main__.", "tests.")):
        os.write(record, "{}\t{}\n".format(outcome, " ".join(test.split())).encode(
            "utf-8", "backslashreplace"))


def wrap(name, outcome):
    inner = getattr(unittest.TestResult, name)

    def method(self, test, *args):
        note(outcome, test.id())
        return inner(self, test, *args)

    setattr(unittest.TestResult, name, method)


def add_sub_test(self, test, subtest, err, inner=unittest.TestResult.addSubTest):
    if err is not None:
        failed = issubclass(err[0], test.failureException)
        note("FAIL" if failed else "ERROR", test.id())
    return inner(self, test, subtest, err)


for name, outcome in (
    ("addSuccess", "ok"),
    ("addSkip", "skipped"),
    ("addFailure", "FAIL"),
    ("addError", "ERROR"),
    ("addExpectedFailure", "expected failure"),
    ("addUnexpectedSuccess", "unexpected success"),
):
    wrap(name, outcome)
unittest.TestResult.addSubTest = add_sub_test

sys.argv[:] = [sys.argv[0], "-v"] + sys.argv[2:]
del sys.path[0]  # where this file lies
runpy.run_module("test", run_name="__main__", alter_sys=True)
