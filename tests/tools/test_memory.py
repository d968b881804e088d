# SPDX-License-Identifier: BSD-2-Clause
"""A daemon in a memory control group that is smaller than its mount."""

import errno
import os
import signal
import time
import unittest

from mount import Mount

MIB = 1 << 20


class Group:
    """A group of its own below that of this process, in either version of control groups."""

    def __init__(self):
        with open("/proc/self/cgroup") as groups:
            lines = [line.rstrip("\n").split(":", 2) for line in groups]
        older = [path for _, names, path in lines if names == "memory"]
        if older:
            self.parent = "/sys/fs/cgroup/memory" + older[0]
            self.limit_file, self.usage_file = "memory.limit_in_bytes", "memory.usage_in_bytes"
            self.swap = [("memory.memsw.limit_in_bytes", None), ("memory.swappiness", 0)]
        else:
            self.parent = "/sys/fs/cgroup" + [path for _, names, path in lines if names == ""][0]
            self.limit_file, self.usage_file = "memory.max", "memory.current"
            self.swap = [("memory.swap.max", 0)]
            self.delegate()
        self.path = "%s/shmfs-test-%d" % (self.parent, os.getpid())
        os.mkdir(self.path)

    def delegate(self):
        """What hands a controller on has no processes of its own, but for the root."""
        with open(self.parent + "/cgroup.subtree_control") as given:
            if "memory" in given.read().split():
                return
        if os.path.exists(self.parent + "/cgroup.events"):
            leaf = self.parent + "/shmfs-leaf"
            os.makedirs(leaf, exist_ok=True)
            with open(self.parent + "/cgroup.procs") as processes:
                for pid in processes.read().split():
                    with open(leaf + "/cgroup.procs", "w") as file:
                        file.write(pid)
        with open(self.parent + "/cgroup.subtree_control", "w") as file:
            file.write("+memory")

    def write(self, name, value):
        with open(os.path.join(self.path, name), "w") as file:
            file.write(str(value))

    def limit(self, size):
        names = [(self.limit_file, None)] + self.swap
        # Of both memory and swap, the limit is never below that of memory.
        for name, value in reversed(names) if size >= 1 << 40 else names:
            if os.path.exists(os.path.join(self.path, name)):
                self.write(name, size if value is None else value)

    def used(self):
        with open(os.path.join(self.path, self.usage_file)) as file:
            return int(file.read())

    def enter(self):
        self.write("cgroup.procs", os.getpid())

    def leave(self):
        with open(os.path.join(self.parent, "cgroup.procs"), "w") as file:
            file.write(str(os.getpid()))

    def remove(self):
        end = time.monotonic() + 5
        while True:
            try:
                os.rmdir(self.path)
                return
            except OSError as error:
                if error.errno != errno.EBUSY or time.monotonic() > end:
                    raise
                time.sleep(0.05)


class Limited(unittest.TestCase):
    def setUp(self):
        self.group = Group()
        self.addCleanup(self.group.remove)
        self.group.limit(48 * MIB)
        self.group.enter()
        try:
            self.mount = Mount("size=200m,grow=*")
        finally:
            self.group.leave()
        self.addCleanup(self.mount.stop)

    def settle(self):
        """Who has served a connection ends a moment after it, and its memory is free then."""
        same = []

        def is_settled():
            used = self.group.used()
            same[:] = same + [used] if same[-1:] == [used] else [used]
            time.sleep(0.05)
            return len(same) == 8

        self.mount.wait_until(is_settled)

    def fill(self, name):
        """Writes until it is refused, again and again, as what ends meanwhile leaves room; the bytes."""
        written = refused = 0
        with open(self.mount.path(name), "wb", buffering=0) as file:
            while refused < 10:
                self.assertLess(written, 100 * MIB)
                try:
                    written += file.write(b"x" * MIB)
                    refused = 0
                except OSError as error:
                    self.assertEqual(error.errno, errno.ENOMEM)
                    refused += 1
                    time.sleep(0.1)
        return written

    def test_who_writes_more_than_the_group_has_is_told_so_and_everything_goes_on(self):
        server = self.mount.server_pid()
        self.assertTrue(self.mount.log_text("and the mount does not"))
        self.settle()
        written = self.fill("a")
        self.assertGreater(written, 30 * MIB)
        # Also what is small, and names, whose memory is the daemon's too.
        for _ in range(100):
            with self.assertRaises(OSError) as caught:
                self.mount.make("b", 1)
            self.assertEqual(caught.exception.errno, errno.ENOMEM)
        self.assertEqual(self.mount.log_count("is full: what takes more is refused"), 1)
        statistics = self.mount.call("GetStatistics")
        self.assertGreater(statistics["refused_memory"], 100)
        self.assertEqual(statistics["written"], written)
        # Reading, shrinking and removing takes none.
        with open(self.mount.path("a"), "rb") as file:
            self.assertEqual(file.read(MIB), b"x" * MIB)
        os.truncate(self.mount.path("a"), 8 * MIB)
        self.mount.make("b", 4096)
        self.mount.wait_until(lambda: self.group.used() < 20 * MIB)
        self.assertGreater(self.fill("c"), 20 * MIB)
        os.unlink(self.mount.path("c"))
        self.assertEqual(self.mount.server_pid(), server)
        self.assertFalse(self.mount.log_text("died by signal"))

    def test_a_limit_that_is_given_later_counts(self):
        self.group.limit(1 << 40)
        time.sleep(1.1)
        with open(self.mount.path("a"), "wb", buffering=0) as file:
            for _ in range(80):
                self.assertEqual(file.write(b"x" * MIB), MIB)
        self.group.limit(90 * MIB)
        time.sleep(1.1)
        self.assertLess(self.fill("b"), 10 * MIB)
        self.assertFalse(self.mount.log_text("died by signal"))

    def test_a_full_group_has_room_for_the_next_servers(self):
        self.fill("a")
        for _ in range(5):
            server = self.mount.server_pid()
            os.kill(server, signal.SIGKILL)
            self.assertEqual(os.listdir(self.mount.dir), ["a"])
            self.mount.wait_until(lambda: self.mount.server_pid() != server)
        self.assertFalse(self.mount.log_text("as memory ran short"))


class Chosen(unittest.TestCase):
    def test_the_server_is_chosen_before_the_supervisor(self):
        mount = Mount()

        def value(pid):
            with open("/proc/%d/oom_score_adj" % pid) as file:
                return int(file.read())

        try:
            supervisor = value(mount.daemon.pid)
            self.assertGreater(value(mount.server_pid()), supervisor)
            usual = value(os.getpid())
            self.assertIn(supervisor, (-1000, usual))
            if supervisor == -1000:
                self.assertEqual(value(mount.server_pid()), max(usual, -999))
            os.kill(mount.server_pid(), signal.SIGKILL)
            self.assertGreater(value(mount.server_pid()), supervisor)
        finally:
            mount.stop()


if __name__ == "__main__":
    unittest.main()
