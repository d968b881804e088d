# SPDX-License-Identifier: BSD-2-Clause
"""shmfsctl container: a tenant, and the device by which an engine gives it to a container."""

import json
import os
import tempfile

from ctl import CtlTest
from mount import STRANGER, map_and_close

MB = 1 << 20


class Containers(CtlTest):
    OPTIONS = "size=64m"

    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="shmfs-cdi.")
        self.addCleanup(place.cleanup)
        self.place = os.path.join(place.name, "cdi")

    def container(self, what, name, *arguments, **more):
        return self.ctl("container", what, name, "--cdi", self.place, *arguments, **more)

    def tenants(self):
        return self.mount.call("ListTenants")["tenants"]

    def names(self):
        return sorted(os.listdir(self.mount.dir))

    def test_a_container_is_a_tenant_and_a_device(self):
        said = self.container("create", "web", "--size", "1m", "--mode", "0700")
        self.assertEqual(said, "--device shmfs.org/shm=web\n")
        (tenant,) = self.tenants()
        self.assertEqual((tenant["name"], tenant["limits"]["size"]), ("web", MB))
        self.assertEqual(os.stat(self.mount.path("web")).st_mode & 0o7777, 0o700)
        (name,) = os.listdir(self.place)
        path = os.path.join(self.place, name)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o644)
        with open(path) as file:
            device = json.load(file)
        self.assertEqual((device["cdiVersion"], device["kind"]), ("0.5.0", "shmfs.org/shm"))
        (one,) = device["devices"]
        (mount,) = one["containerEdits"]["mounts"]
        self.assertEqual(one["name"], "web")
        self.assertEqual(mount["hostPath"], self.mount.path("web"))
        self.assertEqual(mount["containerPath"], "/dev/shm")
        self.assertEqual(mount["options"], ["bind", "rw", "nosuid", "nodev", "noexec"])
        self.container("rm", "web")
        self.assertEqual((self.names(), os.listdir(self.place), self.tenants()), ([], [], []))

    def test_what_is_mapped_is_kept_until_it_is_not(self):
        self.container("create", "web")
        self.mount.make("web/a", 4096)
        process = self.process(map_and_close(self.mount.path("web/a")))
        os.mkdir(self.mount.path("web/dir"))
        self.container("rm", "web")
        self.assertEqual(self.names(), [])
        self.assertEqual([tenant["size"] for tenant in self.tenants()], [4096])
        process.kill()
        self.mount.wait_until(lambda: self.tenants() == [])

    def test_a_container_that_cannot_be_made_leaves_nothing(self):
        with open(self.place, "w"):
            pass
        self.container("create", "web", status=1)
        self.assertIn(self.place, self.stderr)
        self.assertEqual((self.names(), self.tenants()), ([], []))
        os.unlink(self.place)
        os.mkdir(self.mount.path("there"))
        self.container("create", "there", status=1)
        self.assertIn("there: File exists", self.stderr)
        self.assertEqual(os.listdir(self.place), [])
        self.assertEqual(self.names(), ["there"])

    def test_names_are_those_of_devices(self):
        for name in ("", ".", "_a", "a-", "a/b", "a b", "é", "a" * 240):
            self.container("create", name, status=2)
            self.assertIn("is no name of a container", self.stderr)
        for name in ("a", "A-b_c.d:9", "a" * 200):
            self.container("create", name)
            self.container("rm", name)
        self.container("rm", "a", status=1)
        self.assertIn("a: no such tenant", self.stderr)

    def test_it_is_for_root_and_who_mounted(self):
        os.mkdir(self.place, 0o777)
        os.chmod(self.place, 0o777)
        os.chmod(os.path.dirname(self.place), 0o755)
        self.container("create", "web", uid=STRANGER, status=1)
        self.assertEqual((self.names(), os.listdir(self.place)), ([], []))
        self.container("create", "web")
        self.container("rm", "web", uid=STRANGER, status=1)
        self.assertEqual(self.names(), ["web"])
        self.container("rm", "web")
