# SPDX-License-Identifier: BSD-2-Clause
"""shmfsctl reap, and objects that go without it."""

import mmap
import os
import time

from ctl import CtlTest
from mount import OWNER, STRANGER


class Reaping(CtlTest):
    def names(self, *arguments, **more):
        said = self.ctl("reap", "--raw", "--noheadings", "-o", "NAME", *arguments, **more)
        return said.split()

    def test_it_lists_and_removes_what_nobody_holds(self):
        held = self.mount.make("held", 4096)
        self.mount.make("dead", 4096)
        fd = os.open(held, os.O_RDONLY)
        self.assertEqual(self.names("--age", "0"), ["/dead"])
        self.assertTrue(os.path.exists(self.mount.path("dead")))
        self.assertEqual(self.names(), [], "what is young is left alone")
        self.assertEqual(self.names("--age", "1h", "--yes"), [])
        self.assertEqual(self.names("--age", "0", "--pattern", "x*", "-y"), [])
        self.assertEqual(self.names("--age", "0", "-p", "d*", "-y"), ["/dead"])
        self.assertEqual(os.listdir(self.mount.dir), ["held"])
        self.assertFalse(os.path.exists(self.mount.path("dead")))
        os.close(fd)

    def test_it_says_how_much_can_go_and_how_much_went(self):
        for name in ("a", "b"):
            self.mount.make(name, 1 << 20)
        self.assertIn("2 objects of 2.0M can go", self.ctl("reap", "--age", "0"))
        self.assertIn("1 object of 1.0M removed", self.ctl("reap", "--age", "0", "-y", "-p", "a"))
        self.assertEqual(os.listdir(self.mount.dir), ["b"])

    def test_whoever_looks_at_what_was_reaped_sees_that_it_has_no_name(self):
        self.mount.make("empty")
        looked = os.open(self.mount.path("empty"), os.O_PATH)
        self.assertEqual(os.fstat(looked).st_nlink, 1)
        self.assertEqual(self.names("--age", "0", "-y"), ["/empty"])
        self.assertEqual(os.fstat(looked).st_nlink, 0)
        os.close(looked)

    def test_an_owner_reaps_his_own(self):
        self.mount.make("mine", 0, OWNER)
        self.mount.make("other", 0, STRANGER)
        self.ctl("reap", "--age", "0", "-y", uid=OWNER, status=1)
        self.assertEqual(os.listdir(self.mount.dir), ["other"])

    def test_ten_thousand_objects_left_by_killed_processes(self):
        count, kept_step = 10000, 97

        def leave(first, step):
            def work():
                for i in range(first, count, step):
                    fd = os.open(self.mount.path("psm_%d" % i), os.O_RDWR | os.O_CREAT, 0o600)
                    os.ftruncate(fd, 4096)
                    os.close(fd)

            return work

        workers = [self.process(leave(i, 4)) for i in range(4)]
        kept = ["psm_%d" % i for i in range(0, count, kept_step)]

        def keep():
            maps = []
            for name in kept:
                fd = os.open(self.mount.path(name), os.O_RDWR)
                maps.append(mmap.mmap(fd, 4096))
                os.close(fd)
            return maps

        keeper = self.process(keep)
        for worker in workers:
            worker.kill()
        began = time.monotonic()
        found = self.names("--age", "0", "-p", "psm_*", "--yes")
        print("reaped %d objects in %.1f s" % (len(found), time.monotonic() - began))
        self.assertEqual(len(found), count - len(kept))
        self.assertEqual(sorted(os.listdir(self.mount.dir)), sorted(kept))
        keeper.kill()
        self.assertEqual(len(self.names("--age", "0", "--yes")), len(kept))
        self.assertEqual(os.listdir(self.mount.dir), [])


class Lifetime(CtlTest):
    OPTIONS = "lifetime=psm_*,lifetime_age=0"

    def test_leaked_segments_need_no_command(self):
        # By one opening, as they go as soon as there is none.
        def leave():
            maps = []
            for i in range(100):
                fd = os.open(self.mount.path("psm_%d" % i), os.O_RDWR | os.O_CREAT, 0o600)
                os.ftruncate(fd, 4096)
                maps.append(mmap.mmap(fd, 4096))
                os.close(fd)
            return maps

        process = self.process(leave)
        time.sleep(1.5)
        self.assertEqual(len(os.listdir(self.mount.dir)), 100)
        process.kill()
        # Somebody lists all the time, so also in the middle of a sweep.
        self.mount.wait_until(
            lambda: [os.listdir(self.mount.dir) for _ in range(200)][-1] == []
        )
        self.assertTrue(self.mount.log_text("removed 'psm_1'"))
        self.assertGreaterEqual(self.mount.call("GetStatistics")["expired"], 100)
