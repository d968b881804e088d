# SPDX-License-Identifier: BSD-2-Clause
"""A daemon that the system gives nothing more to, or does not let run."""

import ctypes
import mmap
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from mount import BIN, OWNER, Mount, as_user, living_children

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_DUMPABLE = 4
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207

def own_namespaces():
    """As root of a user namespace; the limits of the user who made it count all the same."""
    user, group = os.geteuid(), os.getegid()
    assert LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0
    assert LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0
    maps = {"setgroups": "deny", "uid_map": "0 %d 1" % user, "gid_map": "0 %d 1" % group}
    for file, text in maps.items():
        with open("/proc/self/" + file, "w") as setting:
            setting.write(text)


class UsersMount:
    """A daemon of a user, which tests look at from that user's own namespaces."""

    def __init__(self, base):
        self.log, self.dir = os.path.join(base, "log"), os.path.join(base, "m")
        self.daemon = subprocess.Popen(
            [os.path.abspath(BIN), "-f", "-o", "size=64m", self.dir], stderr=open(self.log, "w")
        )
        self.wait_until(lambda: os.path.ismount(self.dir) and self.said("mounted on"))

    def said(self, text):
        with open(self.log) as log:
            return text in log.read()

    def wait_until(self, condition):
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end, open(self.log).read()
            time.sleep(0.01)

    def server(self):
        pid = self.daemon.pid
        with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
            return next((int(child) for child in children.read().split() if is_server(child)), None)

    def limit(self, pid, processes):
        _, hard = resource.prlimit(pid, resource.RLIMIT_NPROC)
        resource.prlimit(pid, resource.RLIMIT_NPROC, (processes, hard))

    def free(self):
        return os.statvfs(self.dir).f_bfree


def is_server(pid):
    with open("/proc/%s/comm" % pid) as comm:
        return comm.read() == "shmfs-server\n"


def without_processes(base):
    own_namespaces()
    mount = UsersMount(base)
    dead = mount.server()
    mount.limit(dead, 0)
    mount.limit(mount.daemon.pid, 0)
    # What threads would do is done all the same.
    before = mount.free()
    path = os.path.join(mount.dir, "a")
    with open(path, "w+") as file:
        os.ftruncate(file.fileno(), 8 << 20)
        with mmap.mmap(file.fileno(), 8 << 20) as memory:
            memory[:] = b"x" * (8 << 20)
    assert mount.free() < before
    os.unlink(path)
    mount.wait_until(lambda: mount.free() == before)
    assert mount.server() == dead
    # And a server that cannot be started is started when that can be.
    os.kill(dead, signal.SIGKILL)
    mount.wait_until(lambda: mount.said("trying again"))
    asked = threading.Thread(target=mount.free, daemon=True)
    asked.start()
    asked.join(1.5)
    assert asked.is_alive() and mount.server() is None
    mount.limit(mount.daemon.pid, 1000)
    asked.join(5)
    assert not asked.is_alive() and mount.server() not in (None, dead)
    mount.daemon.terminate()
    assert mount.daemon.wait(10) == 0
    return True


def server_of(mount):
    """None: there is none that lives."""
    return dict(living_children(mount.daemon.pid)).get("shmfs-server")


class Starving(unittest.TestCase):
    def test_a_full_table_of_processes_ends_nothing(self):
        base = tempfile.mkdtemp(prefix="shmfs-tools.")
        os.mkdir(os.path.join(base, "m"))
        for path in (base, os.path.join(base, "m")):
            os.chown(path, OWNER, OWNER)
        try:
            self.assertTrue(as_user(OWNER, lambda: without_processes(base)))
        finally:
            shutil.rmtree(base)

    def test_descriptors_that_were_left_open_are_in_nobody_s_way(self):
        """They had the numbers that the namespace gives to memory."""
        fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(80)]
        mount = Mount(pass_fds=fds)
        try:
            for i in range(100):
                mount.make("object-%d" % i, 4096)
            self.assertEqual(mount.call("GetStatistics")["size"], 100 * 4096)
        finally:
            mount.stop()
            for fd in fds:
                os.close(fd)

    def use(self, mount):
        """Before a kill of the server and after it."""
        path = mount.make("object", 8192)
        server = server_of(mount)
        os.kill(server, signal.SIGKILL)
        mount.wait_until(lambda: server_of(mount) not in (None, server))
        with open(path, "r+b", buffering=0) as file:
            self.assertEqual(os.pwrite(file.fileno(), b"x" * 8192, 0), 8192)
            self.assertEqual(os.pread(file.fileno(), 8192, 0), b"x" * 8192)
        os.unlink(path)

    def test_where_sockets_have_no_room_left_the_mount_works_without_one(self):
        options = "nr_inodes=1,mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", "/run/shmfs"], check=True)
        try:
            mount = Mount()
            self.assertTrue(mount.log_text("no control socket: No space left on device"))
            self.use(mount)
            mount.stop()
        finally:
            subprocess.run(["umount", "/run/shmfs"], check=True)

    def test_without_a_right_to_lock_memory_the_mount_works(self):
        mount = Mount(under=("prlimit", "--memlock=0", "setpriv", "--bounding-set=-ipc_lock"))
        self.use(mount)
        self.assertEqual(mount.call("Verify")["violations"], 0)
        mount.stop()

    def test_without_standard_descriptors_the_log_goes_nowhere_else(self):
        mount = Mount(no_standard=True)
        try:
            mount.make("a", 4096)
            with self.assertRaises(OSError):
                os.truncate(mount.path("a"), 1 << 60)
            os.kill(mount.server_pid(), signal.SIGKILL)
            self.assertEqual(os.stat(mount.path("a")).st_size, 4096)
        finally:
            mount.stop()


class Watched(unittest.TestCase):
    """A server that does not answer is replaced, but not one that somebody looks at."""

    def setUp(self):
        self.stopped, self.traced, self.idle = Mount(), Mount(), Mount()

    def tearDown(self):
        for mount in (self.stopped, self.traced, self.idle):
            mount.stop()

    def ask(self, mount):
        asked = threading.Thread(target=os.statvfs, args=(mount.dir,), daemon=True)
        asked.start()
        return asked

    def test_who_is_stopped_is_replaced_and_who_is_traced_is_not(self):
        before = [mount.server_pid() for mount in (self.stopped, self.traced, self.idle)]
        os.kill(before[0], signal.SIGSTOP)
        self.assertEqual(LIBC.ptrace(PTRACE_SEIZE, before[1], 0, 0), 0)
        self.assertEqual(LIBC.ptrace(PTRACE_INTERRUPT, before[1], 0, 0), 0)
        os.waitpid(before[1], 0)
        begin = time.monotonic()
        answered, waiting = self.ask(self.stopped), self.ask(self.traced)
        answered.join(20)
        self.assertFalse(answered.is_alive())
        self.assertGreater(time.monotonic() - begin, 5)
        self.assertTrue(self.stopped.log_text("as it was stopped: killing it"))
        time.sleep(3)
        self.assertTrue(waiting.is_alive())
        self.assertEqual(LIBC.ptrace(PTRACE_DETACH, before[1], 0, 0), 0)
        waiting.join(5)
        after = [mount.server_pid() for mount in (self.stopped, self.traced, self.idle)]
        self.assertNotEqual(after[0], before[0])
        self.assertEqual(after[1:], before[1:])


if __name__ == "__main__":
    unittest.main()
