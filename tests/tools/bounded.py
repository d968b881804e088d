# SPDX-License-Identifier: BSD-2-Clause
"""unittest, with a limit for what one test waits: bounded.py [OPTION...] [TEST...]"""

import os
import signal
import unittest

# The longest takes a tenth of it, on a machine that does nothing else.
SECONDS = 120 * int(os.environ.get("SHMFS_TEST_SLOW", "1"))


def give_up(*_):
    raise AssertionError("it did not end within %d seconds" % SECONDS)


class BoundedResult(unittest.TextTestResult):
    """What is done between two tests, for all tests of a class, has as long as a test."""

    def startTest(self, test):
        signal.alarm(SECONDS)
        super().startTest(test)

    def stopTest(self, test):
        signal.alarm(SECONDS)
        super().stopTest(test)


class BoundedRunner(unittest.TextTestRunner):
    resultclass = BoundedResult


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    unittest.main(module=None, testRunner=BoundedRunner)
