# SPDX-License-Identifier: BSD-2-Clause
"""shmfsctl: the verbs for one object, as root, as owner and as a stranger; reap, and objects that go
without it."""

import errno
import json
import mmap
import os
import socket
import subprocess
import threading
import time

from ctl import CtlTest
from mount import CTL, OWNER, STRANGER


class PosixShmControl(CtlTest):
    """What posixshmcontrol(1) of FreeBSD does."""

    def test_create(self):
        self.ctl("create", "/a", "b")
        self.assertEqual(sorted(os.listdir(self.mount.dir)), ["a", "b"])
        self.assertEqual(os.stat(self.mount.path("a")).st_mode, 0o100600)
        self.assertEqual(os.stat(self.mount.path("a")).st_size, 0)
        os.truncate(self.mount.path("a"), 5)
        self.ctl("create", "a")
        self.assertEqual(os.stat(self.mount.path("a")).st_size, 5)
        self.ctl("create", "-m", "644", "c")
        self.ctl("create", "-m", "0640", "d")
        self.assertEqual(os.stat(self.mount.path("c")).st_mode, 0o100644)
        self.assertEqual(os.stat(self.mount.path("d")).st_mode, 0o100640)
        self.ctl("create", "missing/a", "e", status=1)
        self.assertTrue(os.path.exists(self.mount.path("e")))
        for bad in ("8", "1000", "x", ""):
            self.ctl("create", "-m", bad, "f", status=2)

    def test_rm(self):
        self.mount.make("a")
        self.mount.make("c")
        self.ctl("rm", "a", "b", "/c", status=1)
        self.assertEqual(os.listdir(self.mount.dir), [])
        self.assertIn("b: No such file", self.stderr)
        os.mkdir(self.mount.path("d"))
        self.mount.make("d/e")
        self.ctl("rm", "d/e")
        self.ctl("rm", "d", status=1)

    def test_ls(self):
        self.mount.make("b", 5, OWNER, 0o640)
        self.mount.make("a", 1 << 20)
        for verb in ("ls", "list"):
            self.assertEqual(
                self.ctl(verb, "-n"),
                "MODE    \tOWNER\tGROUP\tSIZE\tPATH\n"
                "rw-r--r--\t0\t0\t1048576\t/a\n"
                "rw-r-----\t%d\t%d\t5\t/b\n" % (OWNER, OWNER),
            )
        self.assertIn("\troot\troot\t1.0M\t/a\n", self.ctl("ls", "-h"))

    def test_dump(self):
        data = bytes(range(256)) * 1000
        path = self.mount.make("a", len(data))
        with open(path, "r+b") as file:
            file.write(data)
        self.assertEqual(self.ctl("dump", "a", text=False), data)
        self.assertEqual(self.ctl("dump", "missing", "a", status=1, text=False), data)

    def test_stat(self):
        path = self.mount.make("a", 8192, OWNER, 0o640)
        lines = [line.split("\t") for line in self.ctl("stat", "-n", "a").splitlines()]
        keys = "path inode mode nlink uid gid size atime mtime ctime birth pages".split()
        self.assertEqual([key for key, _ in lines], keys)
        found, status = dict(lines), os.stat(path)
        self.assertEqual(found["path"], "/a")
        self.assertEqual(found["inode"], str(status.st_ino))
        self.assertEqual(found["mode"], "0100640")
        self.assertEqual(found["uid"], str(OWNER))
        self.assertEqual(found["size"], "8192")
        self.assertEqual(found["mtime"].replace(".", ""), str(status.st_mtime_ns))
        self.assertEqual(found["pages"], "0")
        self.assertIn("size\t8.0K\n", self.ctl("stat", "-h", "a"))
        self.assertIn("owner\t", self.ctl("stat", "a"))

    def test_truncate(self):
        path = self.mount.make("a", 100)
        for text, size in (("5k", 5120), ("0", 0), ("7", 7), ("1m", 1 << 20), ("2K", 2048)):
            self.ctl("truncate", "-s", text, "a")
            self.assertEqual(os.stat(path).st_size, size)
        self.ctl("truncate", "a")
        self.assertEqual(os.stat(path).st_size, 0)
        for bad in ("x", "1x", "-1", "", "1kk", "99999999999999999999", "9999999t"):
            self.ctl("truncate", "-s", bad, "a", status=2)

    def test_permissions_are_those_of_the_files(self):
        self.mount.make("a", 10, OWNER, 0o600)
        self.ctl("dump", "a", uid=STRANGER, status=1)
        self.ctl("truncate", "-s", "5", "a", uid=STRANGER, status=1)
        self.ctl("rm", "a", uid=STRANGER, status=1)
        self.ctl("truncate", "-s", "5", "a", uid=OWNER)
        self.ctl("rm", "a", uid=OWNER)

    def test_usage(self):
        for arguments in (
            [],
            ["nothing"],
            ["rm"],
            ["ls", "-Z"],
            ["ls", "--output"],
            ["ls", "-o", "NOTHING"],
            ["ls", "--sort", "NOTHING"],
            ["holders"],
            ["holders", "-a", "x"],
            ["limits", "--size", "1k"],
            ["limits", "nobody-of-this-name", "--size", "1k"],
            ["limits", "nobody-of-this-name"],
            ["limits", "root"],
            ["limits", "root", "--size", "1k"],
            ["limits", "--size", "1k", "0"],
            ["limits", "mount", "--size", "101%"],
            ["limits", "mount", "--size", "1x"],
            ["reap", "--yes", "-o", "NOTHING"],
            ["reap", "--age", "old"],
            ["top", "-d", "0"],
            ["run"],
            ["run", "-s", "x", "true"],
        ):
            self.ctl(*arguments, status=2)
            self.assertTrue(self.stderr.startswith("shmfsctl: "))
            self.assertEqual(self.stderr.count("\n"), 1, self.stderr)
        self.assertIn("usage:", self.ctl("--help"))
        self.assertIn("--mode", self.ctl("create", "--help"))
        self.assertRegex(self.ctl("-V"), r"^shmfsctl \d")

    def test_names_do_not_lead_out_of_the_mount(self):
        os.symlink("/etc", self.mount.path("link"))
        self.ctl("dump", "../log", status=1)
        self.ctl("dump", "link/passwd", status=1)
        self.ctl("create", "../x", status=1)
        self.ctl("rm", "../log", status=1)
        self.assertTrue(os.path.exists(os.path.join(self.mount.base, "log")))

    def test_a_path_with_the_mount_point_is_a_name_too(self):
        self.mount.make("a", 3)
        self.assertEqual(self.ctl("dump", self.mount.path("a")), "\0\0\0")


class Holding(CtlTest):
    def test_holders(self):
        path = self.mount.make("a", 4096)
        self.mount.make("b", 4096)
        process = self.process(lambda: os.open(path, os.O_RDWR))
        self.assertEqual(
            self.ctl("holders", "--raw", "-n", "a"),
            "USER PID ACCESS COMMAND\n0 %d F python3\n" % process.pid,
        )
        said = self.ctl("holders", "--raw", "-n", "a", "b")
        self.assertIn("/a 0 %d F python3\n" % process.pid, said)
        self.ctl("holders", "b", status=1)
        self.ctl("holders", "missing", status=2)
        self.assertIn(" 1 4096 F python3", self.ctl("holders", "--all", "--raw", "-n"))
        process.kill()
        self.ctl("holders", "a", status=1)
        self.ctl("holders", "--all", status=1)

    def test_pin(self):
        path = self.mount.make("a", 8192, OWNER)
        program = 'test "$SHMFS_SIZE" = 8192 && head -c 3 "/proc/self/fd/$SHMFS_FD"'
        self.assertEqual(self.ctl("pin", "--exec", program, "a", uid=0), "\0\0\0")
        self.ctl("pin", "--exec", "exit 7", "a", status=7)
        self.ctl("pin", "--exec", "true", "a", uid=STRANGER, status=1)
        self.ctl("pin", "-w", "--exec", "true", "a", uid=OWNER, status=1)
        self.ctl("pin", "-w", "--exec", 'echo hello >"/proc/self/fd/$SHMFS_FD"', "a")
        self.ctl("pin", "--length", "9000", "--exec", "true", "a", status=1)
        pin = subprocess.Popen(
            [CTL, "-m", self.mount.dir, "pin", "a"], stdout=subprocess.PIPE, text=True
        )
        self.assertEqual(pin.stdout.readline(), "pinned\n")
        with self.assertRaises(OSError) as caught:
            os.truncate(path, 1)
        self.assertEqual(caught.exception.errno, errno.EBUSY)
        pin.kill()
        pin.wait()
        pin.stdout.close()
        self.mount.wait_until(lambda: self.mount.objects()[0]["pins"] == 0)
        os.truncate(path, 1)

    def test_a_pin_lasts_as_long_as_its_command(self):
        path = self.mount.make("a", 8192)
        command = [CTL, "-m", self.mount.dir, "pin", "--exec", "echo x; exec sleep 100", "a"]
        pin = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.assertEqual(pin.stdout.readline(), "x\n")
        self.assertEqual(self.mount.objects()[0]["pins"], 1)
        pin.kill()
        pin.wait()
        pin.stdout.close()
        self.mount.wait_until(lambda: self.mount.objects()[0]["pins"] == 0)
        os.truncate(path, 1)

    def test_seal(self):
        path = self.mount.make("a", 8192, OWNER)
        self.ctl("seal", "shrink", "a", uid=STRANGER, status=1)
        self.ctl("seal", "nothing", "a", status=1)
        self.ctl("seal", "shrink,grow", "a", uid=OWNER)
        with self.assertRaises(OSError):
            os.truncate(path, 1)
        self.ctl("seal", "write,seal", "a")
        self.ctl("seal", "shrink", "a", status=1)
        self.assertEqual(os.getxattr(path, "user.shmfs.seals"), b"seal,shrink,grow,write")

    def test_verify(self):
        self.assertEqual(self.ctl("verify"), "0 violations\n")
        self.ctl("verify", uid=STRANGER, status=1)


class Reaping(CtlTest):
    def names(self, *arguments, **more):
        said = self.ctl("reap", "--raw", "--noheadings", "-o", "NAME", *arguments, **more)
        return said.split()

    def answer(self, objects, clients):
        """Where a server is mounted that knows these objects, and ends after so many clients."""
        status = os.stat("/run/shmfs")
        path = "/run/shmfs/%d:%d" % (os.major(status.st_dev), os.minor(status.st_dev))
        answer = json.dumps({"parameters": {"objects": objects}}).encode() + b"\0"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        listening.listen()

        def serve():
            for _ in range(clients):
                with listening.accept()[0] as client:
                    while client.recv(65536):
                        client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(listening.close)
        self.addCleanup(thread.join, 20)
        self.addCleanup(os.unlink, path)
        return "/run/shmfs"

    def test_a_clock_that_was_set_makes_nothing_older_or_younger(self):
        hour = 3600 * 10**9
        objects = [
            {"path": "new", "age": 5, "btime": time.time_ns() - hour},
            {"path": "old", "age": 120, "btime": time.time_ns() + hour},
            {"path": "new-of-old-daemon", "btime": time.time_ns() - 5 * 10**9},
            {"path": "old-of-old-daemon", "btime": time.time_ns() - hour},
        ]
        mount, said = self.answer(objects, 2), {}
        for verb in ("ls", "reap"):
            said[verb] = self.ctl("-m", mount, verb, "--raw", "--noheadings", "-o", "NAME,AGE")
        self.assertIn("/new 5s\n", said["ls"])
        self.assertIn("/old 2m\n", said["ls"])
        self.assertEqual(said["reap"], "/old 2m\n/old-of-old-daemon 60m\n")

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
