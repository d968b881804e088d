# SPDX-License-Identifier: BSD-2-Clause
"""Mounts that are id-mapped: what is there is shown, and what is made is kept, as other users'."""

import ctypes
import errno
import os
import subprocess
import tempfile
import unittest

from mount import BIN, IO, OWNER, STRANGER, Mount, as_user

LIBC = ctypes.CDLL(None, use_errno=True)
AT_EMPTY_PATH, AT_FDCWD = 0x1000, -100
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH, MOUNT_ATTR_IDMAP = 1, 4, 0x00100000
SHIFT = 100000


class MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def call(number, *arguments):
    result = LIBC.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def user_namespace():
    """A descriptor of one in which users have numbers that are so much lower."""
    child = subprocess.Popen(
        ["unshare", "--user", "sh", "-c", "echo; read line"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    child.stdout.readline()
    for name in ("uid_map", "gid_map"):
        with open("/proc/%d/%s" % (child.pid, name), "w") as file:
            file.write("0 %d 65536" % SHIFT)
    fd = os.open("/proc/%d/ns/user" % child.pid, os.O_RDONLY)
    child.communicate(b"\n")
    return fd


def map_ids(source, target):
    """Binds one directory to another, with the file system's users as those so much higher."""
    tree = call(OPEN_TREE, AT_FDCWD, source.encode(), OPEN_TREE_CLONE)
    userns = user_namespace()
    try:
        attributes = MountAttributes(set=MOUNT_ATTR_IDMAP, userns=userns)
        call(
            MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH, ctypes.byref(attributes),
            ctypes.c_size_t(ctypes.sizeof(attributes)),
        )  # fmt: skip
        call(MOVE_MOUNT, tree, b"", AT_FDCWD, target.encode(), MOVE_MOUNT_F_EMPTY_PATH)
    finally:
        os.close(tree)
        os.close(userns)


class Mapped(unittest.TestCase):
    def setUp(self):
        self.mount = Mount("idmap,size=64m,user_size=1m,grow=grows*")
        self.addCleanup(self.mount.stop)
        self.dir = tempfile.mkdtemp(prefix="shmfs-tools.")
        os.chmod(self.dir, 0o755)
        self.addCleanup(os.rmdir, self.dir)
        map_ids(self.mount.dir, self.dir)
        self.addCleanup(subprocess.run, ["umount", self.dir], check=True)

    def make(self, directory, name, size):
        fd = os.open(os.path.join(directory, name), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            os.ftruncate(fd, size)
        finally:
            os.close(fd)

    def test_what_is_made_through_it_is_the_mapped_user_s_and_so_is_the_charge(self):
        as_user(SHIFT + OWNER, lambda: self.make(self.dir, "made", 8192))
        self.assertEqual(os.stat(self.mount.path("made")).st_uid, OWNER)
        self.assertEqual(os.stat(os.path.join(self.dir, "made")).st_uid, SHIFT + OWNER)
        users = {user["uid"]: user["size"] for user in self.mount.call("ListUsers")["users"]}
        self.assertEqual(users.get(OWNER), 8192)
        self.assertNotIn(SHIFT + OWNER, users)
        # Permissions are those of who it is there.
        path = os.path.join(self.dir, "made")
        as_user(SHIFT + OWNER, lambda: os.chmod(path, 0o600))
        with self.assertRaises(OSError) as caught:
            as_user(OWNER, lambda: os.close(os.open(path, os.O_RDONLY)))
        self.assertEqual(caught.exception.errno, errno.EACCES)
        as_user(OWNER, lambda: os.close(os.open(self.mount.path("made"), os.O_RDONLY)))

    def test_who_has_no_number_there_makes_nothing(self):
        with self.assertRaises(OSError) as caught:
            as_user(OWNER, lambda: self.make(self.dir, "made", 0))
        self.assertEqual(caught.exception.errno, errno.EOVERFLOW)

    def test_who_asks_beside_it_is_known_by_the_process(self):
        as_user(OWNER, lambda: self.make(self.mount.dir, "own", 512 << 10))

        def free():
            return os.statvfs(self.mount.dir).f_bavail * os.statvfs(self.mount.dir).f_bsize

        self.assertEqual(as_user(OWNER, free), 512 << 10)
        self.assertEqual(as_user(STRANGER, free), 1 << 20)
        # A limit that is reached names who asked: by size, by writing, and for a name.
        for number, work in enumerate(
            (
                lambda: os.truncate(self.mount.path("own"), 2 << 20),
                lambda: self.make(self.mount.dir, "large", 2 << 20),
                lambda: self.grow(),
            )
        ):
            with self.assertRaises(OSError) as caught:
                as_user(OWNER, work)
            self.assertEqual(caught.exception.errno, errno.EDQUOT)
            self.mount.wait_until(
                lambda: self.mount.log_count("refused: uid %d, " % OWNER) == number + 1
            )
        self.assertEqual(self.mount.log_count("4294967295"), 0)

    def grow(self):
        with open(self.mount.path("grows"), "wb", buffering=0) as file:
            for _ in range(3):
                file.write(b"x" * (512 << 10))

    def test_attributes_that_only_an_owner_sets_are_the_owner_s(self):
        as_user(OWNER, lambda: self.make(self.mount.dir, "own", 0))
        os.chmod(self.mount.path("own"), 0o666)

        def choose():
            os.setxattr(self.mount.path("own"), "user.shmfs.lifetime", b"holders")

        with self.assertRaises(OSError) as caught:
            as_user(STRANGER, choose)
        self.assertEqual(caught.exception.errno, errno.EPERM)
        as_user(OWNER, choose)

    def test_the_next_server_goes_on_with_it(self):
        os.kill(self.mount.server_pid(), 9)
        as_user(SHIFT + OWNER, lambda: self.make(self.dir, "made", 4096))
        self.assertEqual(os.stat(self.mount.path("made")).st_uid, OWNER)


class Unmapped(unittest.TestCase):
    def test_without_the_option_there_is_none(self):
        mount = Mount()
        with tempfile.TemporaryDirectory() as target:
            with self.assertRaises(OSError) as caught:
                map_ids(mount.dir, target)
        self.assertEqual(caught.exception.errno, errno.EINVAL)
        mount.stop()

    def test_policies_exclude_it(self):
        said = subprocess.run(
            [BIN, "/tmp", "-o", "mac=biba,mac_policy=/dev/null,idmap,io=" + IO],
            capture_output=True,
        )
        self.assertEqual(said.returncode, 1)
        self.assertIn(b"'mac' and 'idmap' exclude each other", said.stderr)


if __name__ == "__main__":
    unittest.main()
