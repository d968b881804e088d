# SPDX-License-Identifier: BSD-2-Clause
"""shmfsctl: which mount it asks, completion, and mounts that it makes; what is left of sockets."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from ctl import CtlTest, as_uid
from mount import BIN, CTL, STRANGER, Mount, children_of, is_there


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
            for mount in (self.mount, other):
                self.assertIn(mount.dir, said.stderr)
                self.assertIn(mount.dir, self.run_in("/", "mounts").stdout)
        finally:
            other.stop()

    def test_what_is_mounted_over_dev_shm_comes_before_others(self):
        other = Mount()
        bind = 'mount --bind "$1" /dev/shm && cd / && exec "$2" ls'
        try:
            other.make("there", 1)
            said = subprocess.run(
                ["unshare", "-m", "sh", "-c", bind, "sh", other.dir, os.path.abspath(CTL)],
                capture_output=True,
                text=True,
                timeout=30,
            )
            self.assertIn("/there", said.stdout, said.stderr)
        finally:
            other.stop()

    def test_a_socket_of_somebody_else_is_not_believed(self):
        """Whoever can put one somewhere would choose what root removes."""
        base = tempfile.mkdtemp(prefix="shmfs-tools.")
        folder = os.path.join(base, "shmfs")
        os.mkdir(folder)
        device = os.path.basename(self.mount.socket)
        real = os.path.join(base, "real")
        os.mkdir(real)
        os.symlink(os.path.join(real, device), os.path.join(folder, device))
        # The system's place is empty; the real socket is reached by the link alone.
        ask = 'mount --bind /run/shmfs "$1" && mount -t tmpfs none /run/shmfs && exec "$2" -m "$3" ls'
        try:
            for owner, mode, status in ((0, 0o700, 0), (STRANGER, 0o700, 1), (0, 0o777, 1)):
                os.chown(folder, owner, owner)
                os.chmod(folder, mode)
                said = subprocess.run(
                    ["unshare", "-m", "sh", "-c", ask, "sh"]
                    + [real, os.path.abspath(CTL), self.mount.dir],
                    capture_output=True,
                    text=True,
                    env=dict(os.environ, XDG_RUNTIME_DIR=base),
                    timeout=30,
                )
                self.assertEqual(said.returncode, status, (owner, mode, said.stderr))
        finally:
            shutil.rmtree(base)

    def test_where_there_is_none_it_says_so(self):
        said = self.run_in("/", "-m", "/proc", "ls")
        self.assertEqual(said.returncode, 1)
        self.assertIn("no shmfs", said.stderr)
        said = self.run_in("/", "-m", "/missing", "ls")
        self.assertIn("No such file", said.stderr)


def leave_socket(path, uid=0, kind=socket.SOCK_STREAM):
    """A socket at which nobody listens."""
    with socket.socket(socket.AF_UNIX, kind) as left:
        left.bind(path)
    os.chmod(path, 0o666)
    os.chown(path, uid, uid)


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
        self.addCleanup(self.end, daemon)
        said = ""
        while "mounted on" not in said:
            line = daemon.stderr.readline()
            self.assertNotEqual(line, "", said)
            said += line
        self.addCleanup(daemon.stderr.close)
        return daemon, said

    @staticmethod
    def end(daemon):
        """The mount goes before its folder is removed, also where a test fails."""
        daemon.terminate()
        daemon.wait(20)

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

    def test_sockets_of_mounts_that_were_killed_are_removed(self):
        folder = os.path.join(self.base, "shmfs")
        os.mkdir(folder)
        os.chown(folder, self.NOBODY, self.NOBODY)
        for name, uid in (("4095:1", self.NOBODY), ("4095:2", STRANGER), ("4095:3", 0)):
            leave_socket(os.path.join(folder, name), uid)
        daemon, _ = self.start(self.environment)
        daemon.terminate()
        self.assertEqual(daemon.wait(20), 0)
        self.assertEqual(sorted(os.listdir(folder)), ["4095:2", "4095:3"])

    def test_a_folder_that_is_a_link_or_of_others_has_nothing_removed(self):
        real = os.path.join(self.base, "real")
        folder = os.path.join(self.base, "shmfs")
        os.mkdir(real)
        leave_socket(os.path.join(real, "4095:1"), self.NOBODY)
        for how, owner, mode in (
            (os.symlink, self.NOBODY, 0o700),
            (os.rename, self.NOBODY, 0o777),
            (os.rename, STRANGER, 0o755),
        ):
            os.chown(real, owner, owner)
            os.chmod(real, mode)
            how(real, folder)
            daemon, said = self.start(self.environment)
            self.assertIn("no control socket: Permission denied", said)
            daemon.terminate()
            self.assertEqual(daemon.wait(20), 0)
            self.assertEqual(os.listdir(folder), ["4095:1"])
            if how == os.symlink:
                os.unlink(folder)
            else:
                os.rename(folder, real)

    def test_without_a_runtime_directory_the_mount_works_without_a_socket(self):
        environment = {k: v for k, v in os.environ.items() if k != "XDG_RUNTIME_DIR"}
        daemon, said = self.start(environment)
        self.assertIn("no control socket", said)
        daemon.terminate()
        self.assertEqual(daemon.wait(20), 0)


class LeftOver(unittest.TestCase):
    """What is removed of a folder of sockets when a mount begins, and what stays."""

    def start(self):
        mount = Mount()
        self.addCleanup(mount.stop)
        return mount

    def leave(self, living):
        """A mount whose processes were all killed, so that nobody has removed its socket."""
        mount = Mount()
        self.addCleanup(shutil.rmtree, mount.base)
        self.addCleanup(subprocess.run, ["umount", "-l", mount.dir], check=True)
        self.addCleanup(mount.log.close)
        pids = [mount.daemon.pid, *children_of(mount.daemon.pid)]
        # Whoever is killed first leaves nothing for others to do.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                os.kill(pid, number)
        living.wait_until(lambda: not any(is_there(pid) for pid in pids))
        mount.daemon.wait(20)
        return mount

    def test_the_socket_of_a_mount_that_was_killed_is_removed_by_the_next_one(self):
        living = self.start()
        # While it is there, no other mount has its device.
        killed = self.leave(living)
        self.assertTrue(os.path.exists(killed.socket))
        other = self.start()
        self.assertFalse(os.path.exists(killed.socket))
        for mount in (living, other):
            self.assertEqual(mount.call("GetMount")["mountpoint"], mount.dir)
        self.assertCountEqual(
            os.listdir("/run/shmfs"), [os.path.basename(m.socket) for m in (living, other)]
        )

    def test_what_is_no_socket_of_a_mount_that_was_killed_stays(self):
        base = tempfile.mkdtemp(prefix="shmfs-tools.")
        self.addCleanup(shutil.rmtree, base)
        before = set(os.listdir("/run/shmfs"))

        def path(name):
            return os.path.join("/run/shmfs", name)

        leave_socket(os.path.join(base, "left"))
        leave_socket(path("4095:1"))
        leave_socket(path("4095:2"), STRANGER)
        leave_socket(path("another"))
        os.symlink(os.path.join(base, "left"), path("4095:3"))
        os.mkdir(path("4095:4"))
        os.mkfifo(path("4095:5"))
        os.close(os.open(path("4095:6"), os.O_CREAT))
        used = []
        for name, kind in (("4095:7", socket.SOCK_DGRAM), ("4095:8", socket.SOCK_STREAM)):
            used.append(socket.socket(socket.AF_UNIX, kind))
            used[-1].bind(path(name))
            self.addCleanup(used[-1].close)
        # One whose server is too busy to accept anybody.
        used[1].listen(0)
        waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.addCleanup(waiting.close)
        waiting.connect(path("4095:8"))
        mount = self.start()
        after = set(os.listdir("/run/shmfs")) - before - {os.path.basename(mount.socket)}
        self.addCleanup(self.remove, [path(name) for name in after])
        self.assertEqual(after, {"4095:%d" % i for i in range(2, 9)} | {"another"})
        self.assertTrue(os.path.exists(os.path.join(base, "left")))

    @staticmethod
    def remove(paths):
        for path in paths:
            if os.path.isdir(path):
                os.rmdir(path)
            else:
                os.unlink(path)


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
        return done.stdout.splitlines()

    def test_columns_seals_and_names_with_blanks_are_completed(self):
        self.mount.make("a b")
        self.assertEqual(self.complete("stat", "/a"), ["/a\\ b"])
        self.assertEqual(self.complete("ls", "-o", "NAME,OW"), ["NAME,OWNER"])
        self.assertEqual(self.complete("users", "--sort", "inode-"), ["INODE-LIMIT"])
        self.assertEqual(self.complete("seal", "shrink,w"), ["shrink,write"])
        self.assertEqual(self.complete("seal", "grow", "/a"), ["/a\\ b"])
        self.assertIn("mounts", self.complete("mo"))

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
