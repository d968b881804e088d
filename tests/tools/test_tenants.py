# SPDX-License-Identifier: BSD-2-Clause
"""Directories with an account of their own: the control socket, shmfsctl tenant, and who sees them."""

import errno
import os
import signal
import subprocess
import tempfile

from ctl import CtlTest
from mount import CTL, OWNER, STRANGER, Mount, MountTest, as_user, map_and_close

MB = 1 << 20


def size_of(path, size):
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        os.ftruncate(fd, size)
    finally:
        os.close(fd)


class Tenants(CtlTest):
    OPTIONS = "size=64m"

    def setUp(self):
        self.mount.call("CreateTenant", path="app", size=4 * MB, inodes=5)

    def tenants(self, user=0):
        return self.mount.call_as(user, "ListTenants")["tenants"]

    def tenant(self, name):
        return next(item for item in self.tenants() if item.get("name") == name)

    def refuses(self, number, work, *arguments):
        with self.assertRaises(OSError) as caught:
            work(*arguments)
        self.assertEqual(caught.exception.errno, number)

    def test_a_tenant_has_limits_that_change_while_it_is_used(self):
        path = self.mount.path("app/a")
        self.refuses(errno.ENOSPC, size_of, path, 5 * MB)
        self.ctl("tenant", "set", "app", "--size", "5m")
        size_of(path, 5 * MB)
        self.ctl("tenant", "set", "app", "--size", "1m")
        self.assertEqual(os.stat(path).st_size, 5 * MB)
        self.refuses(errno.ENOSPC, os.truncate, path, 5 * MB + 1)
        app = self.tenant("app")
        self.assertEqual((app["size"], app["inodes"]), (5 * MB, 2))
        self.assertEqual(app["limits"], {"size": MB, "inodes": 5})
        self.mount.call("SetTenant", id=app["id"], inodes=2)
        self.refuses(errno.ENOSPC, os.mkdir, self.mount.path("app/dir"))
        self.assertEqual(self.tenant("app")["limits"], {"size": MB, "inodes": 2})

    def test_the_tool_makes_one_as_it_is_told(self):
        self.ctl("tenant", "create", "b", "--owner", str(OWNER), "--mode", "750", "-s", "1m", "-i3")
        self.ctl("tenant", "create", self.mount.path("c"))
        st = os.stat(self.mount.path("b"))
        self.assertEqual((st.st_mode & 0o7777, st.st_uid, st.st_gid), (0o750, OWNER, OWNER))
        self.assertEqual(os.stat(self.mount.path("c")).st_mode & 0o7777, 0o1777)
        said = self.ctl("tenant", "ls", "--raw", "-n")
        self.assertEqual(
            said,
            "NAME OWNER SIZE SIZE-LIMIT INODES INODE-LIMIT REFUSED\n"
            "app 0 0 4194304 1 5 0\nb 1001 0 1048576 1 3 0\nc 0 0 - 1 - 0\n",
        )

    def test_a_name_that_was_missing_is_there_at_once(self):
        path = self.mount.path("late")
        names = os.listdir(self.mount.dir)
        self.assertFalse(os.path.exists(path))
        self.ctl("tenant", "create", "late")
        self.assertTrue(os.path.isdir(path))
        self.assertEqual(sorted(os.listdir(self.mount.dir)), sorted(names + ["late"]))
        self.ctl("tenant", "rm", "late")
        self.assertFalse(os.path.exists(path))

    def test_what_is_no_tenant_is_refused(self):
        os.mkdir(self.mount.path("dir"))
        for path, number in (
            ("app", errno.EEXIST),
            ("dir", errno.EEXIST),
            ("app/b", errno.EINVAL),
            ("", errno.EINVAL),
            ("no/b", errno.ENOENT),
        ):
            self.fails_with(number, lambda: self.mount.call("CreateTenant", path=path))
        for path, number in (("dir", errno.ENOENT), ("no", errno.ENOENT), ("", errno.ENOENT)):
            self.fails_with(number, lambda: self.mount.call("SetTenant", path=path, size=1))
        self.fails_with(errno.ENOENT, lambda: self.mount.call("SetTenant", id=4711, size=1))
        for parameters in ({"mode": 0o10000}, {"uid": -1}, {"size": -1}, {"inodes": "1"}):
            said = self.fails(
                "InvalidParameter", lambda: self.mount.call("CreateTenant", path="b", **parameters)
            )
            self.assertEqual([said["parameter"]], list(parameters))
        self.fails("InvalidParameter", lambda: self.mount.call("CreateTenant"))
        self.ctl("tenant", "create", "app/b", status=1)
        self.assertIn("or in a tenant", self.stderr)
        self.ctl("tenant", "rm", "dir", status=1)
        self.ctl("tenant", "set", "app", status=2)
        self.ctl("tenant", "make", "b", status=2)
        self.ctl("tenant", "create", status=2)
        self.ctl("tenant", "create", "b", "--mode", "9", status=2)
        self.ctl("tenant", "create", "b", "--owner", "no such user", status=2)

    def test_only_root_and_who_mounted_may_change_and_owners_see_their_own(self):
        self.mount.call("CreateTenant", path="b", uid=OWNER, gid=OWNER)
        for method, parameters in (
            ("CreateTenant", {"path": "c"}),
            ("SetTenant", {"path": "b", "size": 1}),
        ):
            self.fails(
                "PermissionDenied", lambda: self.mount.call_as(OWNER, method, **parameters)
            )
        self.assertEqual([item["name"] for item in self.tenants(OWNER)], ["b"])
        self.assertEqual(self.tenants(STRANGER), [])

    def test_what_is_held_stays_charged_when_the_directory_is_gone(self):
        path = self.mount.path("app/a")
        size_of(path, 2 * MB)
        process = self.process(map_and_close(path))
        number = self.tenant("app")["id"]
        os.makedirs(self.mount.path("app/d/e/f"))
        self.ctl("tenant", "rm", "app", status=1)
        self.assertIn("not empty", self.stderr)
        self.ctl("tenant", "rm", "--force", "app")
        self.refuses(errno.ENOENT, os.stat, self.mount.path("app"))
        gone = self.tenant("#%d:app" % number)
        self.assertTrue(gone["removed"])
        self.assertEqual(gone["size"], 2 * MB)
        self.assertNotIn("uid", gone)
        said = self.ctl("ls", "-u", "--raw", "--noheadings", "-o", "TENANT,SIZE")
        self.assertIn("#%d:app 2097152\n" % number, said)
        self.assertEqual(self.ctl("tenant", "ls", "--raw", "-o", "OWNER"), "OWNER\n-\n")
        said = self.ctl("holders", "--all", "--tenant", "#%d:app" % number, "--raw", "-o", "PID,OBJECTS")
        self.assertEqual(said, "PID OBJECTS\n%d 1\n" % process.pid)
        self.ctl("holders", "--all", "--tenant", "app", status=2)
        self.assertIn("app: no such tenant", self.stderr)
        # One that comes after it is another.
        self.ctl("tenant", "create", "app", "--size", "1m")
        self.assertNotEqual(self.tenant("app")["id"], number)
        self.ctl("holders", "--all", "--tenant", "app", status=1)
        process.kill()
        self.mount.wait_until(lambda: [item["name"] for item in self.tenants()] == ["app"])

    def test_rm_goes_as_deep_as_there_are_directories(self):
        at = os.open(self.mount.path("app"), os.O_RDONLY)
        self.mount.call("SetTenant", path="app", inodes=0)
        for _ in range(3000):
            os.mkdir("d", dir_fd=at)
            open(os.open("f", os.O_CREAT | os.O_RDWR, dir_fd=at)).close()
            below = os.open("d", os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        os.close(at)
        os.symlink("/", self.mount.path("app/link"))
        self.ctl("tenant", "rm", "-f", "app")
        self.assertEqual(self.tenants(), [])

    def test_rm_that_fails_leaves_the_limit(self):
        os.mkdir(self.mount.path("app/dir"))
        os.mkdir(self.mount.path("app/dir/dir"))
        subprocess.check_call(["mount", "--bind", "/", self.mount.path("app/dir/dir")])
        try:
            self.ctl("tenant", "rm", "-f", "app", status=1)
            self.assertEqual(self.tenant("app")["limits"]["inodes"], 5)
        finally:
            subprocess.check_call(["umount", self.mount.path("app/dir/dir")])

    def test_users_of_a_tenant_are_those_whom_its_objects_charge(self):
        size_of(self.mount.path("app/a"), 8192)
        size_of(self.mount.path("elsewhere"), 4096)
        as_user(OWNER, lambda: size_of(self.mount.path("app/b"), 5000))
        fd = os.open(self.mount.path("app/gone"), os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(fd, MB)
        os.unlink(self.mount.path("app/gone"))
        said = self.json("users", "--tenant", "app", "-J")
        users = {item["uid"]: item["size"] for item in said["users"]}
        self.assertEqual(users, {0: MB + 8192, OWNER: 8192})
        self.assertEqual(sum(users.values()), self.tenant("app")["size"])
        said = self.ctl("users", "--tenant", "app", "--raw", "-n", "-b", "--noheadings")
        self.assertEqual(said, "0 %d\n%d 8192\n" % (MB + 8192, OWNER))
        os.close(fd)
        self.ctl("users", "--tenant", "nothere", status=1)
        self.assertIn("nothere: no such tenant", self.stderr)

    def test_refusals_are_logged_with_the_tenant_and_counted_across_kills(self):
        before = self.mount.call("GetStatistics")
        self.refuses(errno.ENOSPC, size_of, self.mount.path("app/a"), 5 * MB)
        os.kill(self.mount.server_pid(), signal.SIGKILL)
        self.refuses(errno.ENOSPC, size_of, self.mount.path("app/a"), 6 * MB)
        for name in "bcd":
            os.mkdir(self.mount.path("app/" + name))
        self.refuses(errno.ENOSPC, os.mkdir, self.mount.path("app/e"))
        app, after = self.tenant("app"), self.mount.call("GetStatistics")
        self.assertEqual((app["refused_size"], app["refused_inodes"]), (2, 1))
        for name, more in (("refused_tenant_size", 2), ("refused_tenant_inodes", 1)):
            self.assertEqual(after[name], before[name] + more)
        self.assertTrue(
            self.mount.log_text("object 'a' of uid 0 of tenant 'app': asked for 5242880 more, 0 used, "
                                "limit tenant_size=4194304")
        )
        self.assertTrue(self.mount.log_text("of tenant 'app': asked for 1 more, 5 used, "
                                            "limit tenant_inodes=5"))

    def test_objects_are_told_and_chosen_by_tenant(self):
        size_of(self.mount.path("app/a"), MB)
        size_of(self.mount.path("b"), MB)
        said = self.ctl("ls", "--raw", "--noheadings", "-o", "NAME,TENANT")
        self.assertEqual(said, "/app/a app\n/b -\n")
        self.assertEqual(self.ctl("ls", "--tenant", "app", "--raw", "-o", "NAME"), "NAME\n/app/a\n")
        said = self.ctl("reap", "--age", "0", "--tenant", "app", "--raw", "-o", "NAME")
        self.assertEqual(said, "NAME\n/app/a\n")
        said = self.ctl("top", "--once", "--tenants")
        self.assertRegex(said, r"1\.0M +4\.0M +25% +2 +5 +0 app\n")

    def test_a_name_of_any_bytes_is_told(self):
        name = b'x"\\\xff'
        self.ctl("tenant", "create", name, "--size", "1m")
        self.assertEqual(self.tenants()[1]["name_hex"], name.hex())
        self.ctl("tenant", "set", name, "--size", "2m")
        said = self.ctl("metrics")
        label = r'{mount="%s",tenant="x\"\\x5c\\xff",id="%d"}'
        label %= (self.mount.dir, self.tenants()[1]["id"])
        self.assertIn("shmfs_tenant_size_limit_bytes%s 2097152\n" % label, said)
        self.ctl("tenant", "rm", name)

    def test_metrics_have_a_bound(self):
        for i in range(60):
            self.mount.call("CreateTenant", path="t%d" % i)
        lines = self.ctl("metrics").splitlines()
        for name, count in (
            ("shmfs_tenant_size_bytes{", 51),
            ("shmfs_tenant_inodes{", 51),
            ("shmfs_tenant_inodes_limit{", 50),
            ("shmfs_tenant_refused_total{", 100),
        ):
            self.assertEqual(len([line for line in lines if line.startswith(name)]), count, name)
        others = 'shmfs_tenant_inodes{mount="%s",tenant="others",id=""} 11' % self.mount.dir
        self.assertIn(others, lines)
        self.assertEqual(len({line.rsplit(" ", 1)[0] for line in lines}), len(lines))

    def test_pages_go_on_where_the_last_one_ended(self):
        for i in range(200):
            self.mount.call("CreateTenant", path="t%d" % i)
        self.assertEqual(len(self.tenants()), 64)
        self.assertEqual(len(self.json("tenant", "ls", "-J")["tenants"]), 201)


class Policies(MountTest):
    """Root may not know what user OWNER keeps, and OWNER may not change what root made."""

    @classmethod
    def setUpClass(cls):
        cls.file = tempfile.NamedTemporaryFile("w", suffix=".policy")
        cls.file.write("default mls/0\nuser %d mls/1\n" % OWNER)
        cls.file.flush()
        cls.mount = Mount("mac=mls,mac_policy=" + cls.file.name)

    @classmethod
    def tearDownClass(cls):
        cls.mount.stop()
        cls.file.close()

    def names(self, user):
        return [item["name"] for item in self.mount.call_as(user, "ListTenants")["tenants"]]

    def test_policies_decide_who_sees_and_who_changes_a_tenant(self):
        self.mount.call("CreateTenant", path="secret", uid=OWNER, gid=OWNER)
        self.mount.call("CreateTenant", path="public")
        self.assertEqual(self.names(0), ["public"])
        self.assertEqual(self.names(OWNER), ["secret"])
        self.fails_with(
            errno.EACCES, lambda: self.mount.call("SetTenant", path="secret", size=1)
        )
        self.mount.call("SetTenant", path="public", size=MB)
        # By its number, the policy says the same: who is below may write up, and not look.
        with subprocess.Popen([CTL, "-m", self.mount.dir, "metrics"], stdout=subprocess.PIPE) as said:
            self.assertNotIn(b"secret", said.stdout.read())
        as_user(OWNER, lambda: size_of(self.mount.path("secret/a"), 4096))
        as_user(OWNER, lambda: os.unlink(self.mount.path("secret/a")))
        as_user(OWNER, lambda: os.rmdir(self.mount.path("secret")))
