# SPDX-License-Identifier: BSD-2-Clause
"""Each system call of a server fails once, with an errno that it may have: somebody is told an error,
or the server is replaced, and no byte is wrong afterwards and the mount is there."""

import mmap
import os
import random
import re
import shutil
import subprocess
import unittest

from mount import Mount, ServiceError

CALLS = os.path.join(os.path.dirname(__file__), "../../daemon/confine/calls.def")
# Those that end threads or never fail, and strace(1) does not let fail.
NEVER = ("exit", "exit_group", "rt_sigreturn", "restart_syscall", "clock_gettime", "gettimeofday", "time")
BY_ARGUMENT = ("ioctl", "mmap", "mprotect", "openat", "clone", "socket", "prctl")
ERRNOS = ("EIO", "ENOMEM", "ENOSPC", "EMFILE")
SIZE = 64 << 10


def calls_of_servers():
    with open(CALLS) as calls:
        found = re.findall(r"^CALL\((\w+), ([^)]*)\)", calls.read(), re.M)
    return sorted({name for name, roles in found if "S" in roles} - set(NEVER) | set(BY_ARGUMENT))


class Tracer:
    """Has the server's call fail, the so-manieth of each thread."""

    def __init__(self, pid, call, errno, when):
        self.process = subprocess.Popen(
            ["strace", "-f", "-o", "/dev/null", "-e", "trace=?" + call]
            + ["-e", "inject=?%s:error=%s:when=%d:syscall=getppid" % (call, errno, when), "-p", str(pid)],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.process.stderr.readline()

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()


class Failing(unittest.TestCase):
    def setUp(self):
        self.mount = Mount("size=64m")
        self.random = random.Random(int(os.environ.get("SHMFS_TEST_SEED", random.getrandbits(48))))
        self.contents = {}

    def tearDown(self):
        self.mount.stop()

    def step(self, name, work):
        """A name about which an error leaves in doubt what it holds is looked at no more."""
        try:
            work(self.mount.path(name))
        except OSError:
            self.contents.pop(name, None)
            return False
        return True

    def make(self, path):
        with open(path, "wb", buffering=0) as file:
            os.ftruncate(file.fileno(), SIZE)
            bytes_ = self.random.randbytes(SIZE)
            for at in range(0, SIZE, 16 << 10):
                os.pwrite(file.fileno(), bytes_[at : at + (16 << 10)], at)
            self.contents[os.path.basename(path)] = bytes_

    def change_and_remove(self, path):
        os.rename(path, path + ".moved")
        os.rename(path + ".moved", path)
        os.setxattr(path, "user.a", b"1")
        with open(path, "r+b", buffering=0) as file:
            os.ftruncate(file.fileno(), SIZE // 2)
            os.ftruncate(file.fileno(), SIZE)
            with mmap.mmap(file.fileno(), SIZE) as memory:
                memory[0] = 1
        os.unlink(path)

    def check(self, path):
        with open(path, "rb", buffering=0) as file:
            found = os.pread(file.fileno(), SIZE, 0)
        wanted = self.contents[os.path.basename(path)]
        self.assertEqual(found, wanted, path)

    def use(self, round_):
        for i in range(4):
            self.step("%s-kept-%d" % (round_, i), self.make)
            if self.step("%s-gone-%d" % (round_, i), self.make):
                self.step("%s-gone-%d" % (round_, i), self.change_and_remove)
                self.contents.pop("%s-gone-%d" % (round_, i), None)
        for name in list(self.contents):
            self.step(name, self.check)
        try:
            os.listdir(self.mount.dir)
            self.mount.call("GetStatistics")
        except (OSError, EOFError, ServiceError):
            pass

    @unittest.skipUnless(shutil.which("strace"), "no strace")
    def test_a_call_that_fails_once_costs_an_error_or_a_server_and_never_a_byte(self):
        seed = self.random.getrandbits(48)
        self.random.seed(seed)
        calls = calls_of_servers()
        self.random.shuffle(calls)
        for call in calls:
            errno, when = self.random.choice(ERRNOS), self.random.choice((1, 1, 2, 5, 20))
            with self.subTest(call=call, errno=errno, when=when, seed=seed):
                tracer = Tracer(self.mount.server_pid(), call, errno, when)
                self.use(call)
                tracer.end()
                self.assertTrue(os.path.ismount(self.mount.dir))
                # All that was not in doubt is there, and what is new works without an error.
                for name in list(self.contents):
                    self.check(self.mount.path(name))
                self.make(self.mount.path("after-" + call))
                self.change_and_remove(self.mount.path("after-" + call))
                self.contents.pop("after-" + call)
                self.assertEqual(self.mount.call("Verify")["violations"], 0)
                for name in os.listdir(self.mount.dir):
                    os.unlink(self.mount.path(name))
                self.contents.clear()


if __name__ == "__main__":
    unittest.main()
