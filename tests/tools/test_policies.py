# SPDX-License-Identifier: BSD-2-Clause
"""Policies decide on the control socket too, for root as for anybody."""

import errno
import os
import tempfile

from mount import OWNER, Mount, MountTest, as_user

# Root may not know what user OWNER keeps, and OWNER may not change what root made.
POLICY = "default mls/0\nuser %d mls/1\n" % OWNER


class Policies(MountTest):
    @classmethod
    def setUpClass(cls):
        cls.file = tempfile.NamedTemporaryFile("w", suffix=".policy")
        cls.file.write(POLICY)
        cls.file.flush()
        cls.mount = Mount("mac=mls,mac_policy=" + cls.file.name)

    @classmethod
    def tearDownClass(cls):
        cls.mount.stop()
        cls.file.close()

    def setUp(self):
        self.public = os.stat(self.make(0, "public")).st_ino
        self.secret = as_user(OWNER, lambda: os.stat(self.make(OWNER, "secret")).st_ino)

    def tearDown(self):
        as_user(OWNER, lambda: os.unlink(self.mount.path("secret")))
        os.unlink(self.mount.path("public"))

    def make(self, user, name):
        return self.mount.make(name, 4096)

    def labels(self, user):
        objects = self.mount.call_as(user, "List")["objects"]
        return {item["path"]: item["label"] for item in objects}

    def test_a_list_has_what_may_be_observed(self):
        self.assertEqual(self.labels(0), {"public": "mls/0"})
        self.assertEqual(self.labels(OWNER), {"public": "mls/0", "secret": "mls/1"})

    def test_root_cannot_reach_what_he_may_not_observe(self):
        for method in ("Holders", "Pin", "Reap"):
            self.fails_with(errno.ENOENT, lambda: self.mount.call(method, id=self.secret))
        self.assertIn("secret", self.labels(OWNER))

    def test_what_may_not_be_observed_says_nothing_of_its_kind(self):
        """Directories, links and missing names are told apart where policies let one look alone."""
        os.mkdir(self.mount.path("public-dir"), 0o777)
        as_user(OWNER, lambda: os.mkdir(self.mount.path("secret-dir"), 0o777))
        as_user(OWNER, lambda: os.symlink("x", self.mount.path("secret-dir/link")))
        number = as_user(OWNER, lambda: os.stat(self.mount.path("secret-dir")).st_ino)
        try:
            for method in ("Holders", "Pin", "Reap"):
                for path in ("secret-dir", "secret-dir/link", "secret-dir/link/x", "secret-dir/no"):
                    self.fails_with(errno.EACCES, lambda: self.mount.call(method, path=path))
                self.fails_with(errno.ENOENT, lambda: self.mount.call(method, id=number))
                self.fails_with(errno.EINVAL, lambda: self.mount.call(method, path="public-dir"))
                self.fails_with(errno.ENOENT, lambda: self.mount.call(method, path="none"))
        finally:
            as_user(OWNER, lambda: os.unlink(self.mount.path("secret-dir/link")))
            as_user(OWNER, lambda: os.rmdir(self.mount.path("secret-dir")))
            os.rmdir(self.mount.path("public-dir"))

    def test_counts_that_everybody_moves_are_for_those_who_may_see_all(self):
        self.mount.call("GetStatistics")
        self.fails("PermissionDenied", lambda: self.mount.call_as(OWNER, "GetStatistics"))

    def test_what_may_only_be_observed_is_neither_pinned_nor_reaped(self):
        os.chown(self.mount.path("public"), OWNER, OWNER)
        self.fails_with(
            errno.EACCES, lambda: self.mount.call_as(OWNER, "Pin", id=self.public)
        )
        self.fails("PermissionDenied", lambda: self.mount.call_as(OWNER, "Reap", id=self.public))
        self.assertIn("public", self.labels(OWNER))

    def test_one_s_own_is_his(self):
        pin = self.mount.call_as(OWNER, "Pin", id=self.secret)
        self.assertEqual(pin["size"], 4096)
