# SPDX-License-Identifier: BSD-2-Clause
"""shmfsctl: lists of objects and users, limits, metrics, the live screen."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

from ctl import CtlTest
from mount import CTL, OWNER, STRANGER, Mount, as_user, map_and_close


class Listing(CtlTest):
    # Pages are counted.
    OPTIONS = "huge=never"

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

    def test_names_directories_and_patterns(self):
        os.mkdir(self.mount.path("d"))
        for name in ("a", "a b", "d/x", "d/y"):
            self.mount.make(name, 1)

        def listed(*arguments, **more):
            said = self.ctl("ls", "--noheadings", "-o", "NAME", *arguments, **more)
            return said.splitlines()

        self.assertEqual(listed("a"), ["/a"])
        self.assertEqual(listed(self.mount.path("a b")), ["/a b"])
        self.assertEqual(listed("d"), ["/d/x", "/d/y"])
        self.assertEqual(listed("a*", "d/x"), ["/a", "/a b", "/d/x"])
        self.assertEqual(listed("/"), ["/a", "/a b", "/d/x", "/d/y"])
        self.assertEqual(listed("a", "missing", status=1), ["/a"])
        self.assertIn("missing: no such object", self.stderr)
        self.assertEqual(listed("missing", status=1), [])

    def test_who_asks_for_holders_of_nothing_is_told_its_name(self):
        self.assertEqual(self.ctl("holders", "missing", status=2), "")
        self.assertIn("missing: No such file", self.stderr)

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

    def test_limits_of_one(self):
        self.ctl("limits", str(OWNER), "-s", "128k")
        ask = ("limits", "--raw", "-n", "--noheadings")
        self.assertEqual(self.ctl(*ask, str(OWNER)), "1001 131072 -\n")
        self.assertEqual(self.ctl(*ask, str(STRANGER)), "1002 - -\n")
        self.assertEqual(self.ctl(*ask, "mount"), "mount 1048576 1000\n")
        self.assertEqual(self.ctl(*ask, "users"), "users - -\n")
        self.ctl("limits", str(OWNER), "--inherit")

    def test_a_limit_may_be_a_part_of_the_memory(self):
        self.ctl("limits", "mount", "--size", "50%")
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")
        size = int(self.ctl("limits", "mount", "--raw", "--noheadings", "-o", "SIZE"))
        self.assertLess(abs(size - total // 2), total // 100)
        self.ctl("limits", "mount", "--size", "1m")


class Watching(CtlTest):
    def series_of(self, said):
        """What a text of metrics says, which has to be as Prometheus wants it."""
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
            match = re.fullmatch(r'([a-z_]+)(\{([a-z]+="[^"]*",?)+\}) (\d+)', line)
            self.assertIsNotNone(match, line)
            self.assertEqual(match[1], last, "series stand behind their metric")
            self.assertEqual(types[match[1]] == "counter", match[1].endswith("_total"))
            self.assertNotIn(match[1] + match[2], series)
            series[match[1] + match[2]] = int(match[4])
        return series

    def test_metrics_are_what_prometheus_reads(self):
        self.mount.make("a", 4096)
        series = self.series_of(self.ctl("metrics"))
        mount = 'mount="%s"' % self.mount.dir
        self.assertEqual(series["shmfs_size_bytes{%s}" % mount], 4096)
        self.assertEqual(series['shmfs_user_size_bytes{%s,uid="0"}' % mount], 4096)
        self.assertGreater(series["shmfs_requests_total{%s}" % mount], 0)

    def test_all_mounts_are_told_at_once(self):
        other = Mount("user_size=64k")
        try:
            self.mount.make("a", 4096)
            as_user(OWNER, lambda: os.close(os.open(other.path("b"), os.O_CREAT)))
            series = self.series_of(self.ctl("metrics", "--all-mounts"))
            for mount, size in ((self.mount, 4096), (other, 0)):
                self.assertEqual(series['shmfs_size_bytes{mount="%s"}' % mount.dir], size)
            names = self.ctl("ls", "--all-mounts", "--raw", "--noheadings", "-o", "MOUNT,NAME")
            for mount, name in ((self.mount, "a"), (other, "b")):
                self.assertIn("%s /%s\n" % (mount.dir, name), names)
            self.ctl("ls", "--all-mounts", "a", status=2)
            said = self.ctl("top", "--once", "--all-mounts")
            self.assertRegex(said, r"(?m)^shmfs, \d+ mounts$")
            for mount, name in ((self.mount, "a"), (other, "b")):
                self.assertRegex(said, r"(?m)^%s .* /%s$" % (re.escape(mount.dir[:20]), name))
            self.assertIn(mount.dir[:20], self.ctl("top", "-1u", "--all-mounts"))
            limit = 'shmfs_user_size_limit_bytes{mount="%s",uid="%d"}' % (other.dir, OWNER)
            self.assertEqual(series[limit], 65536)
        finally:
            other.stop()

    def test_users_of_metrics_have_a_bound(self):
        for uid in range(2000, 2070):
            self.process(lambda uid=uid: (os.setuid(uid), self.mount.make("u%d" % uid, 4096)))
        said = self.ctl("metrics")
        self.assertEqual(said.count("shmfs_user_size_bytes{"), 51)
        others = 'shmfs_user_size_bytes{mount="%s",uid="others"} ' % self.mount.dir
        self.assertIn(others, said)

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
