# SPDX-License-Identifier: BSD-2-Clause
"""Each system call of a server fails once, with an errno that it may have: somebody is told an error,
or the server is replaced, and no byte is wrong afterwards and the mount is there."""

import concurrent.futures
import contextlib
import mmap
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from mount import Mount, ServiceError, living_children

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


def open_text(path):
    with open(path) as file:
        return file.read()


class Traced:
    """A mount of which one process is traced, or, with those that it starts, several."""

    def __init__(self, role, *options):
        self.mount = Mount("size=64m")
        self.mount.call("Holders", all=True)
        self.contents = os.urandom(SIZE)
        self.write("kept")
        pid = self.mount.daemon.pid
        children = self.mount.children()
        self.tracer = subprocess.Popen(
            ["strace", *role.options, *options]
            + ["-p", str(pid if role.name == "shmfs" else children[role.name])],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.tracer.stderr.readline()

    def write(self, name):
        with open(self.mount.path(name), "w+b", buffering=0) as file:
            os.ftruncate(file.fileno(), SIZE)
            assert os.pwrite(file.fileno(), self.contents, 0) == SIZE
            assert os.pread(file.fileno(), SIZE, 0) == self.contents

    def use_files(self):
        """Whatever happens to others: without an error."""
        self.write("new")
        os.unlink(self.mount.path("new"))
        with open(self.mount.path("kept"), "rb", buffering=0) as file:
            assert os.pread(file.fileno(), SIZE, 0) == self.contents

    # --- what is done while calls fail

    def ask(self):
        """A connection may break at it, and may be told of an error."""
        # The first is answered by who was there before it was traced.
        for method, parameters in 3 * (("GetLimits", {}), ("Holders", {"all": True})):
            with contextlib.suppress(OSError, EOFError, ServiceError):
                self.mount.call(method, **parameters)
        self.use_files()

    def replace(self, *names):
        before = dict(living_children(self.mount.daemon.pid))
        for name in names:
            os.kill(before[name], signal.SIGKILL)
        self.use_files()
        self.ask()

    def replace_helpers(self):
        self.replace("shmfs-parsers", "shmfs-holders", "shmfs-keeper")

    def orphan(self):
        self.mount.daemon.kill()
        self.mount.daemon.wait()
        # Each child that unmounts is another one for strace(1), which fails for the first time.
        time.sleep(0.05)
        self.end_trace()
        end = time.monotonic() + 20
        # A mount that nobody serves is one, too.
        while self.mount.dir in open_text("/proc/self/mounts"):
            assert time.monotonic() < end, "it is mounted"
            time.sleep(0.01)

    def replace_all(self):
        self.replace("shmfs-server", "shmfs-parsers", "shmfs-holders", "shmfs-keeper")
        self.mount.daemon.send_signal(signal.SIGHUP)
        said = ("going on with", "cannot try", "cannot go on with", "cannot execute")
        self.mount.wait_until(lambda: any(self.mount.log_text(text) for text in said))
        self.use_files()

    def run(self, role):
        """A process whose every successor fails has nobody who could do its work, so not for ever."""
        with concurrent.futures.ThreadPoolExecutor() as executor:
            work = executor.submit(role.work, self)
            if role.name != "shmfs" or "-f" in role.options:
                concurrent.futures.wait([work], 1)
                self.end_trace()
            work.result()

    # --- what has to be so afterwards

    def check(self):
        self.use_files()
        # One that could not be given its name is as good as another.
        self.mount.wait_until(lambda: len(living_children(self.mount.daemon.pid)) == len(NAMES))
        self.mount.call("GetLimits")
        self.mount.call("Holders", all=True)
        assert self.mount.call("Verify")["violations"] == 0
        self.use_files()

    def end_trace(self):
        self.tracer.terminate()
        self.tracer.wait()
        self.tracer.stderr.close()

    def end(self):
        """Of the mount, where calls may fail as well."""
        self.mount.daemon.terminate()
        status = self.mount.daemon.wait(20)
        self.end_trace()
        assert status == 0, status
        assert not os.path.ismount(self.mount.dir)
        self.mount.log.close()
        shutil.rmtree(self.mount.base)


class Role:
    def __init__(self, name, work, *options):
        self.name, self.work, self.options = name, work, options


# So many of the calls of a role fail in a run; which, the seed says.
SAMPLE = 6
# With mount namespaces of their own, as tests have, in a child.
KEEPERS_CALLS = (
    *("rt_sigtimedwait", "getppid", "clone", "wait4", "unshare", "openat", "read", "getdents64", "close"),
    *("setns", "umount2", "geteuid", "unlink", "write", "pidfd_send_signal"),
)
NAMES = {"shmfs-server", "shmfs-parsers", "shmfs-holders", "shmfs-keeper"}
ROLES = {
    # Nobody can be told of what fails once another program has begun.
    "supervisor": Role("shmfs", Traced.replace_all, "--detach-on=execve"),
    "those who begin": Role("shmfs", Traced.replace_helpers, "-f"),
    "parsers": Role("shmfs-parsers", Traced.ask, "-f"),
    "holders": Role("shmfs-holders", Traced.ask, "-f"),
    "keeper": Role("shmfs-keeper", Traced.orphan, "-f"),
}


@unittest.skipUnless(shutil.which("strace"), "no strace")
class FailingReplies(unittest.TestCase):
    def test_a_read_whose_pages_the_kernel_does_not_take_is_answered_all_the_same(self):
        """The first splice(2) fills the pipe, the second sends it; of large ones, in a thread of its own."""
        mount = Mount("size=64m")
        for size in (64 << 10, 1 << 20):
            path, bytes_ = mount.path("object"), os.urandom(size)
            with open(path, "w+b", buffering=0) as file:
                os.ftruncate(file.fileno(), size)
                os.pwrite(file.fileno(), bytes_, 0)
                for when in (1, 2):
                    tracer = Tracer(mount.server_pid(), "splice", "ENOMEM", when)
                    self.assertEqual(os.pread(file.fileno(), size, 0), bytes_, (size, when))
                    tracer.end()
            os.unlink(path)
        self.assertEqual(mount.call("Verify")["violations"], 0)
        mount.stop()


@unittest.skipUnless(shutil.which("strace"), "no strace")
class FailingBesideServers(unittest.TestCase):
    def setUp(self):
        self.seed = int(os.environ.get("SHMFS_TEST_SEED", random.getrandbits(48)))
        self.random = random.Random(self.seed)

    def calls_of(self, role):
        """Those that there are when nothing fails."""
        with tempfile.NamedTemporaryFile("r") as said:
            traced = Traced(role, "-o", said.name)
            traced.run(role)
            traced.check()
            traced.end()
            found = re.findall(r"^(?:\d+ +)?(\w+)\(", said.read(), re.M)
        return sorted(set(found) - set(NEVER))

    def fail_in(self, name):
        role = ROLES[name]
        calls = self.calls_of(role)
        for call in self.random.sample(calls, min(len(calls), SAMPLE)):
            errno, when = self.random.choice(ERRNOS), self.random.choice((1, 1, 2, 3, 5))
            with self.subTest(role=name, call=call, errno=errno, when=when, seed=self.seed):
                inject = "inject=%s:error=%s:when=%d:syscall=getppid" % (call, errno, when)
                traced = Traced(role, "-o", "/dev/null", "-e", "trace=" + call, "-e", inject)
                traced.run(role)
                traced.check()
                traced.end()

    def test_a_call_of_the_supervisor_that_fails_once_costs_nobody_a_file_or_the_mount(self):
        self.fail_in("supervisor")

    def test_a_call_of_those_who_begin_that_fails_once_costs_nobody_a_file_or_the_mount(self):
        self.fail_in("those who begin")

    def test_a_call_of_a_keeper_that_fails_once_leaves_no_mount_without_a_supervisor(self):
        role = ROLES["keeper"]
        for call in KEEPERS_CALLS:
            errno = self.random.choice(ERRNOS)
            with self.subTest(call=call, errno=errno, seed=self.seed):
                inject = "inject=%s:error=%s:when=1:syscall=getppid" % (call, errno)
                traced = Traced(role, "-o", "/dev/null", "-e", "trace=" + call, "-e", inject)
                role.work(traced)
                traced.mount.log.close()
                shutil.rmtree(traced.mount.base)

    def test_a_call_of_parsers_that_fails_once_costs_nobody_a_file_or_the_mount(self):
        self.fail_in("parsers")

    def test_a_call_of_holders_that_fails_once_costs_nobody_a_file_or_the_mount(self):
        self.fail_in("holders")


if __name__ == "__main__":
    unittest.main()
