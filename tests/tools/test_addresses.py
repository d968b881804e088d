# SPDX-License-Identifier: BSD-2-Clause
"""Where the arena lies, in programs that have something else at its usual address."""

import os
import re
import signal
import subprocess
import tempfile
import unittest

import mount

TAKE = os.path.abspath(os.path.join(os.path.dirname(mount.BIN), "tests/tools/taken.so"))
PLACES = 3


def lines_of(pid, pattern):
    with open("/proc/%d/maps" % pid) as maps:
        return [line for line in maps if re.search(pattern, line)]


class Addresses(unittest.TestCase):
    def setUp(self):
        self.assertTrue(os.path.exists(TAKE), TAKE + " is not built")
        self.list = tempfile.NamedTemporaryFile("w", prefix="shmfs-tools.")
        self.addCleanup(self.list.close)
        self.environment = {"LD_PRELOAD": TAKE, "SHMFS_TEST_TAKEN": self.list.name}

    def take(self, addresses):
        """In programs that are started from here on."""
        self.list.seek(0)
        self.list.truncate()
        self.list.writelines("0x%x\n" % address for address in addresses)
        self.list.flush()
        self.taken = addresses

    def start(self):
        daemon = mount.Mount(environment=self.environment)
        self.addCleanup(daemon.stop)
        daemon.make("kept", 5)
        with open(daemon.path("kept"), "r+b") as kept:
            kept.write(b"bytes")
        return daemon

    def arena_of(self, daemon):
        """In supervisor and server, beside what is taken there, with what it holds."""
        places = set()
        for pid in (daemon.daemon.pid, daemon.server_pid()):
            lines = lines_of(pid, "memfd:shmfs-arena")
            self.assertEqual(len(lines), 1, lines)
            places.add(int(lines[0].split("-")[0], 16))
            for address in self.taken:
                self.assertEqual(len(lines_of(pid, "^%x-[0-9a-f]+ ---p" % address)), 1)
        with open(daemon.path("kept"), "rb") as kept:
            self.assertEqual(kept.read(), b"bytes")
        self.assertEqual(len(places), 1, places)
        return places.pop()

    def kill(self, daemon):
        server = daemon.server_pid()
        os.kill(server, signal.SIGKILL)
        daemon.wait_until(lambda: daemon.server_pid() != server)

    def upgrade(self, daemon, said):
        before = daemon.log_count(said)
        daemon.daemon.send_signal(signal.SIGHUP)
        daemon.wait_until(lambda: daemon.log_count(said) > before)

    def test_it_lies_at_the_first_free_address_and_stays_there(self):
        found = []
        for _ in range(PLACES):
            self.take(found)
            daemon = self.start()
            place = self.arena_of(daemon)
            self.assertNotIn(place, found)
            self.kill(daemon)
            self.assertEqual(self.arena_of(daemon), place)
            self.upgrade(daemon, " goes on\n")
            self.assertEqual(self.arena_of(daemon), place)
            # In a program that has nothing at the addresses before.
            self.take([])
            self.upgrade(daemon, " goes on\n")
            self.assertEqual(self.arena_of(daemon), place)
            found.append(place)

    def test_a_program_that_has_something_else_there_does_not_go_on(self):
        self.take([])
        daemon = self.start()
        place = self.arena_of(daemon)
        self.take([place])
        self.upgrade(daemon, "goes on as it is")
        self.take([])
        self.assertEqual(self.arena_of(daemon), place)

    def test_where_no_address_is_free_there_is_no_mount(self):
        found = []
        for _ in range(PLACES):
            self.take(found)
            found.append(self.arena_of(self.start()))
        self.take(found)
        with tempfile.TemporaryDirectory() as directory:
            run = subprocess.run(
                [mount.BIN, "-f", directory],
                env=dict(os.environ, **self.environment),
                stderr=subprocess.PIPE,
                timeout=20,
            )
            self.assertEqual(run.returncode, 2)
            self.assertIn(b"something else is mapped wherever it may be", run.stderr)
            self.assertFalse(os.path.ismount(directory))
