# SPDX-License-Identifier: BSD-2-Clause
"""shmfsctl: every verb, as root, as owner and as a stranger."""

import errno
import fcntl
import json
import mmap
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

from mount import BIN, CTL, OWNER, STRANGER, Mount, MountTest, map_and_close


def as_uid(uid):
    def work():
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)

    return work if uid else None


class CtlTest(MountTest):
    def ctl(self, *arguments, uid=0, status=0, text=True, **more):
        """What it said on standard output, where it ended with this status."""
        done = subprocess.run(
            [CTL, "-m", self.mount.dir, *arguments],
            capture_output=True,
            preexec_fn=as_uid(uid),
            timeout=30,
            **more,
        )
        self.stderr = done.stderr.decode()
        self.assertEqual(done.returncode, status, self.stderr)
        return done.stdout.decode() if text else done.stdout

    def json(self, *arguments, **more):
        return json.loads(self.ctl(*arguments, **more))


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
            ["ls", "x"],
            ["ls", "-Z"],
            ["ls", "--output"],
            ["ls", "-o", "NOTHING"],
            ["ls", "--sort", "NOTHING"],
            ["holders"],
            ["holders", "-a", "x"],
            ["limits", "--size", "1k"],
            ["limits", "nobody-of-this-name", "--size", "1k"],
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


class Listing(CtlTest):
    def test_columns(self):
        path = self.mount.make("a b\x1b", 5000, OWNER)
        fd = os.open(path, os.O_RDWR)
        os.pwrite(fd, b"x", 0)
        os.setxattr(path, "user.shmfs.seals", b"shrink,grow")
        names = "SIZE,RESIDENT,CHARGED,OWNER,GROUP,MODE,CREATOR,NLINK,OPENS,MAPPED,PINS"
        said = self.ctl("ls", "-n", "--raw", "-o", names + ",AGE,SEALS,LIFETIME,ID,NAME")
        first, second = said.splitlines()
        self.assertEqual(first, names.replace(",", " ") + " AGE SEALS LIFETIME ID NAME")
        cells = second.split(" ")
        self.assertEqual(
            cells[:11],
            ["5000", "4096", "8192", "1001", "1001", "rw-r--r--", "0", "1", "1", "?", "0"],
        )
        self.assertRegex(cells[11], r"^\d+s$")
        self.assertEqual(cells[12:14], ["shrink,grow", "names"])
        self.assertEqual(cells[15:], ["/a", "b\\x1b"])
        os.close(fd)

    def test_mapped_only(self):
        path = self.mount.make("a", 4096)
        self.mount.make("b", 4096)
        self.process(map_and_close(path))
        said = self.ctl("ls", "--raw", "--noheadings", "-o", "name,mapped")
        tier = self.mount.call("GetMount")["io"]
        self.assertEqual(said, "/a %s\n/b no\n" % ("yes" if tier == "passthrough" else "?"))

    def test_sorting(self):
        for name, size in (("a", 3000), ("b", 20), ("c", 100)):
            self.mount.make(name, size)

        def order(*arguments):
            return self.ctl("ls", "--raw", "--noheadings", "-o", "NAME", *arguments).split()

        self.assertEqual(order(), ["/a", "/b", "/c"])
        self.assertEqual(order("-r"), ["/c", "/b", "/a"])
        self.assertEqual(order("--sort", "size"), ["/b", "/c", "/a"])
        self.assertEqual(order("--sort", "SIZE", "-r"), ["/a", "/c", "/b"])

    def test_json_is_exact_for_every_byte(self):
        names = [bytes([byte]) + b"n" for byte in range(1, 256) if byte != ord("/")]
        names += ["\u20ac\U0001f600".encode(), b"\xed\xa0\x80x", b"\\x41"]
        for name in names:
            os.close(os.open(os.fsencode(self.mount.dir) + b"/" + name, os.O_CREAT))
        for arguments in (["ls", "-J"], ["ls", "-J", "-o", "NAME,SIZE"]):
            found = []
            for item in self.json(*arguments)["objects"]:
                if item.get("path") is not None:
                    found.append(item["path"].encode())
                else:
                    found.append(bytes.fromhex(item["path_hex"]))
            self.assertEqual(sorted(found), sorted(names))
        shown = self.ctl("ls", "--noheadings", "--raw", "-o", "NAME")
        self.assertEqual(len(shown.splitlines()), len(names))
        self.assertNotRegex(shown, "[\x00-\x09\x0b-\x1f\x7f]")

    def test_objects_by_any_name_can_be_asked_for(self):
        name = b"\xff\xfe"
        path = os.fsencode(self.mount.dir) + b"/" + name
        os.close(os.open(path, os.O_CREAT))
        process = self.process(lambda: os.open(path, os.O_RDONLY))
        said = self.json("holders", "-J", name)
        self.assertEqual(said["holders"][0]["pid"], process.pid)
        self.ctl("rm", name)

    def test_json_has_plain_numbers(self):
        self.mount.make("a", 1 << 20)
        (found,) = self.json("ls", "-J", "-h", "-o", "SIZE,AGE,OWNER,MODE")["objects"]
        self.assertEqual(found["size"], 1 << 20)
        self.assertEqual(found["uid"], 0)
        self.assertEqual(found["mode"], 0o100644)
        self.assertEqual(found["btime"], self.mount.objects()[0]["btime"])

    def test_unlinked(self):
        path = self.mount.make("a", 4096)
        number = os.stat(path).st_ino
        fd = os.open(path, os.O_RDONLY)
        os.unlink(path)
        self.assertEqual(self.ctl("ls", "--raw", "--noheadings"), "")
        self.assertIn("#%d" % number, self.ctl("ls", "-u"))
        os.close(fd)

    def test_a_stranger_sees_less(self):
        os.mkdir(self.mount.path("d"), 0o700)
        self.mount.make("d/a", 1)
        self.assertIn("/d/a", self.ctl("ls"))
        self.assertNotIn("/d/a", self.ctl("ls", uid=STRANGER))

    def test_users(self):
        self.mount.make("a", 4096)
        (found,) = [u for u in self.json("users", "-J")["users"] if u["uid"] == 0]
        self.assertEqual(found["size"], 4096)
        self.assertEqual(
            self.ctl("users", "-n", "--raw"),
            "USER SIZE SIZE-LIMIT INODES INODE-LIMIT\n0 4096 - 2 -\n",
        )
        self.assertEqual(self.json("users", "-J", uid=STRANGER)["users"], [])


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


class Limits(CtlTest):
    OPTIONS = "size=1m,nr_inodes=1000"

    def test_limits(self):
        self.assertEqual(
            self.ctl("limits", "--raw"), "SCOPE SIZE INODES\nmount 1048576 1000\nusers - -\n"
        )
        self.ctl("limits", "--size", "2m", "mount")
        self.ctl("limits", "-s", "64k", "-i", "10", "users")
        self.ctl("limits", "-s", "128k", str(OWNER))
        self.assertEqual(
            self.ctl("limits", "--raw", "-n"),
            "SCOPE SIZE INODES\nmount 2097152 1000\nusers 65536 10\n1001 131072 10\n",
        )
        said = self.json("limits", "-J")["limits"]
        self.assertEqual(said[2], {"size": 131072, "inodes": 10, "uid": 1001})
        self.ctl("limits", "-s", "1g", "mount", uid=OWNER, status=1)
        self.assertIn("not permitted", self.stderr)
        self.ctl("limits", "--inherit", str(OWNER))
        self.ctl("limits", "-s", "0", "-i", "0", "users")
        self.ctl("limits", "-s", "1m", "mount")
        self.ctl("limits", "-s", "1m", "root", status=1)


class Watching(CtlTest):
    def test_metrics_are_what_prometheus_reads(self):
        self.mount.make("a", 4096)
        said = self.ctl("metrics")
        series, types, last = {}, {}, None
        for line in said.splitlines():
            if line.startswith("# HELP "):
                last = line.split()[2]
                continue
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                self.assertEqual(name, last, "HELP and TYPE come together")
                self.assertNotIn(name, types)
                types[name] = kind
                continue
            match = re.fullmatch(r'([a-z_]+)(\{[a-z]+="[a-z0-9_]+"\})? (\d+)', line)
            self.assertIsNotNone(match, line)
            self.assertIn(match[1], types)
            self.assertEqual(types[match[1]] == "counter", match[1].endswith("_total"))
            series[match[1] + (match[2] or "")] = int(match[3])
        self.assertEqual(series["shmfs_size_bytes"], 4096)
        self.assertEqual(series['shmfs_user_size_bytes{uid="0"}'], 4096)
        self.assertGreater(series["shmfs_requests_total"], 0)

    def test_users_of_metrics_have_a_bound(self):
        for uid in range(2000, 2070):
            self.process(lambda uid=uid: (os.setuid(uid), self.mount.make("u%d" % uid, 4096)))
        said = self.ctl("metrics")
        self.assertEqual(said.count("shmfs_user_size_bytes{"), 51)
        self.assertIn('shmfs_user_size_bytes{uid="others"} ', said)

    def test_top_once(self):
        self.mount.make("large", 1 << 20)
        self.mount.make("small", 1)
        lines = self.ctl("top", "--once").splitlines()
        self.assertLessEqual(len(lines), 24)
        self.assertTrue(all(len(line) <= 80 for line in lines))
        self.assertIn("/large", lines[5])
        self.assertIn("USER", self.ctl("top", "--once", "-u"))
        self.ctl("top", stdin=subprocess.DEVNULL, status=1)

    def screen(self, width, height, keys=b"q", end=None):
        """What top leaves on a terminal of this size, and whether that is as it was."""
        control, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        before = termios.tcgetattr(terminal)
        top = subprocess.Popen(
            [CTL, "-m", self.mount.dir, "top"], stdin=terminal, stdout=terminal, stderr=terminal
        )
        said = b""
        while b" q quit" not in said:
            self.assertTrue(select.select([control], [], [], 10)[0], said)
            said += os.read(control, 65536)
        if end is not None:
            top.send_signal(end)
        else:
            os.write(control, keys)
        self.assertEqual(top.wait(10), 0)
        while select.select([control], [], [], 0.1)[0]:
            said += os.read(control, 65536)
        self.assertEqual(termios.tcgetattr(terminal), before)
        os.close(terminal)
        os.close(control)
        return said

    def test_top_leaves_the_terminal_as_it_was(self):
        for i in range(100):
            self.mount.make("o%d-" % i + "x" * 240, 4096)
        for width, height in ((80, 24), (200, 50), (20, 5)):
            said = self.screen(width, height)
            self.assertTrue(said.startswith(b"\x1b[?1049h"), said[:20])
            self.assertTrue(said.endswith(b"\x1b[?7h\x1b[?25h\x1b[?1049l"), said[-40:])
            drawn = said.split(b"\x1b[H")[1].split(b"\x1b[J")[0]
            lines = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", drawn).split(b"\r\n")
            self.assertLessEqual(len(lines), height - 1)
            for line in lines:
                self.assertLessEqual(len(line.split(b"\r")[-1]), width)
        self.screen(80, 24, end=signal.SIGTERM)
        self.screen(80, 24, end=signal.SIGINT)
        self.assertIn(b"LIMIT USER", self.screen(80, 24, keys=b"uq") + b"LIMIT USER")


class Finding(CtlTest):
    def run_in(self, directory, *arguments):
        return subprocess.run(
            [CTL, *arguments], capture_output=True, text=True, cwd=directory, timeout=30
        )

    def test_the_mount_is_found_by_the_working_directory(self):
        self.mount.make("a", 1)
        os.mkdir(self.mount.path("d"))
        for directory in (self.mount.dir, self.mount.path("d")):
            self.assertIn("/a", self.run_in(directory, "ls").stdout)

    def test_where_there_are_several_one_has_to_be_named(self):
        other = Mount()
        try:
            said = self.run_in("/", "ls")
            self.assertEqual(said.returncode, 1)
            self.assertIn("say which with -m", said.stderr)
        finally:
            other.stop()

    def test_where_there_is_none_it_says_so(self):
        said = self.run_in("/", "-m", "/proc", "ls")
        self.assertEqual(said.returncode, 1)
        self.assertIn("no shmfs", said.stderr)
        said = self.run_in("/", "-m", "/missing", "ls")
        self.assertIn("No such file", said.stderr)


class UserMount(unittest.TestCase):
    """A mount that a user made: its socket is under XDG_RUNTIME_DIR."""

    # fusermount3 works for users who have a name.
    NOBODY = 65534

    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="shmfs-tools.")
        self.addCleanup(shutil.rmtree, self.base)
        os.chown(self.base, self.NOBODY, self.NOBODY)
        self.dir = os.path.join(self.base, "m")
        os.mkdir(self.dir)
        os.chown(self.dir, self.NOBODY, self.NOBODY)
        os.chmod(self.base, 0o700)
        self.environment = dict(os.environ, XDG_RUNTIME_DIR=self.base)

    def start(self, environment):
        daemon = subprocess.Popen(
            [BIN, "-f", self.dir],
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            preexec_fn=as_uid(self.NOBODY),
        )
        said = ""
        while "mounted on" not in said:
            line = daemon.stderr.readline()
            self.assertNotEqual(line, "", said)
            said += line
        self.addCleanup(daemon.stderr.close)
        return daemon, said

    def ctl(self, *arguments, uid=NOBODY):
        return subprocess.run(
            [CTL, *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            preexec_fn=as_uid(uid),
            timeout=30,
        )

    def test_who_mounted_owns_it(self):
        daemon, _ = self.start(self.environment)
        self.assertEqual(os.listdir(os.path.join(self.base, "shmfs")).__len__(), 1)
        self.assertEqual(self.ctl("-m", self.dir, "create", "a").returncode, 0)
        self.assertIn("/a\n", self.ctl("-m", self.dir, "ls").stdout)
        self.assertEqual(self.ctl("-m", self.dir, "limits", "-s", "1m", "mount").returncode, 0)
        self.assertEqual(self.ctl("-m", self.dir, "verify").stdout, "0 violations\n")
        self.assertEqual(self.ctl("-m", self.dir, "reap", "--age", "0", "-y").returncode, 0)
        self.assertEqual(self.ctl("-m", self.dir, "ls", "--noheadings").stdout, "")
        self.assertEqual(self.ctl("-m", self.dir, "ls", uid=STRANGER).returncode, 1)
        daemon.terminate()
        self.assertEqual(daemon.wait(20), 0)
        self.assertEqual(os.listdir(os.path.join(self.base, "shmfs")), [])

    def test_without_a_runtime_directory_the_mount_works_without_a_socket(self):
        environment = {k: v for k, v in os.environ.items() if k != "XDG_RUNTIME_DIR"}
        daemon, said = self.start(environment)
        self.assertIn("no control socket", said)
        daemon.terminate()
        self.assertEqual(daemon.wait(20), 0)


class Completing(CtlTest):
    def complete(self, *words):
        program = (
            "source daemon/ctl/shmfsctl.bash-completion; shmfsctl() { %s -m %s \"$@\"; }; "
            'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shmfsctl; '
            'printf "%%s\\n" "${COMPREPLY[@]}"' % (CTL, self.mount.dir)
        )
        done = subprocess.run(
            ["bash", "-c", program, "bash", "shmfsctl", *words],
            capture_output=True,
            text=True,
            timeout=30,
        )
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_verbs_options_and_objects_are_completed(self):
        self.mount.make("psm_1")
        self.mount.make("psm_2")
        self.mount.make("other")
        self.assertEqual(self.complete("tr"), ["truncate"])
        self.assertIn("holders", self.complete(""))
        self.assertEqual(self.complete("reap", "--pa"), ["--pattern"])
        self.assertEqual(self.complete("-m", "/x", "reap", "--y"), ["--yes"])
        self.assertEqual(self.complete("rm", "/psm"), ["/psm_1", "/psm_2"])
        self.assertEqual(self.complete("limits", "mou"), ["mount"])


class Running(CtlTest):
    def test_a_command_has_a_dev_shm_of_its_own(self):
        before = sorted(os.listdir("/dev/shm"))
        program = "df --output=fstype,size /dev/shm | tail -n1; echo hi >/dev/shm/tmp-x; ls /dev/shm"
        for uid in (0, STRANGER):
            said = self.ctl("run", "--size", "64m", "sh", "-c", program, uid=uid)
            self.assertEqual(said.split(), ["fuse.shmfs", "65536", "tmp-x"], self.stderr)
        self.assertEqual(sorted(os.listdir("/dev/shm")), before)
        with open("/proc/self/mounts") as mounts:
            self.assertNotIn("/dev/shm fuse.shmfs", mounts.read())

    def test_the_limit_is_an_error(self):
        self.ctl("run", "-s", "1m", "truncate", "-s", "2m", "/dev/shm/a", status=1)
        self.assertIn("No space left", self.stderr)
        self.ctl("run", "-o", "size=1m,nr_inodes=10", "truncate", "-s", "1m", "/dev/shm/a")

    def test_the_status_is_that_of_the_command(self):
        self.ctl("run", "sh", "-c", "exit 7", status=7)
        self.ctl("run", "sh", "-c", "kill -9 $$", status=137)
        self.ctl("run", "/missing", status=127)
        self.ctl("run", "/etc/passwd", status=126)
        self.ctl("run", "-o", "nonsense", "true", status=1)

    def test_python_shares_memory_in_it(self):
        program = (
            "from multiprocessing import shared_memory as s; m = s.SharedMemory(create=True, "
            "size=9); m.buf[0] = 7; n = s.SharedMemory(m.name); print(n.buf[0]); m.unlink()"
        )
        self.assertEqual(self.ctl("run", "python3", "-c", program), "7\n", self.stderr)

    def test_who_runs_it_stays_who_he_is(self):
        self.assertEqual(self.ctl("run", "id", "-u", uid=STRANGER), "%d\n" % STRANGER)


class Lifetime(CtlTest):
    OPTIONS = "lifetime=psm_*,lifetime_age=0"

    def test_leaked_segments_need_no_command(self):
        def leave():
            return [
                mmap.mmap(os.open(self.mount.make("psm_%d" % i, 4096), os.O_RDWR), 4096)
                for i in range(100)
            ]

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
