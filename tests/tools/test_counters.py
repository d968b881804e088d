# SPDX-License-Identifier: BSD-2-Clause
"""What is counted goes on when the server is killed."""

import errno
import os
import re
import signal
import subprocess

from mount import CTL, MountTest


class Counters(MountTest):
    OPTIONS = "size=1m,nr_inodes=100,user_size=64k,user_inodes=50,lifetime=gone_*,lifetime_age=0"
    LASTING = (
        "requests",
        "expired",
        "refused_size",
        "refused_inodes",
        "refused_user_size",
        "refused_user_inodes",
        "written",
        "refused_tenant_size",
        "refused_tenant_inodes",
    )

    def refuse(self):
        fd = os.open(self.mount.path("a"), os.O_RDWR | os.O_CREAT)
        with self.assertRaises(OSError) as caught:
            os.ftruncate(fd, 2 << 20)
        self.assertEqual(caught.exception.errno, errno.ENOSPC)
        os.close(fd)

    def expire(self):
        before = self.statistics()["expired"]
        self.mount.make("gone_1", 4096)
        self.mount.wait_until(lambda: self.statistics()["expired"] > before)

    def statistics(self):
        return self.mount.call("GetStatistics")

    def kill_server(self):
        pid = self.mount.server_pid()
        with open("/proc/%d/comm" % pid) as comm:
            self.assertEqual(comm.read(), "shmfs-server\n")
        os.kill(pid, signal.SIGKILL)
        self.assertNotEqual(self.mount.server_pid(), pid)

    def test_counters_outlive_the_server(self):
        self.refuse()
        self.expire()
        before = self.statistics()
        self.assertGreater(before["refused_size"], 0)
        self.assertGreater(before["expired"], 0)
        self.kill_server()
        after = self.statistics()
        for name in self.LASTING:
            self.assertGreaterEqual(after[name], before[name], name)
        self.assertEqual(after["restarts"], before["restarts"] + 1)

    def test_counters_go_on_after_it(self):
        self.kill_server()
        before = self.statistics()
        self.refuse()
        self.expire()
        after = self.statistics()
        self.assertEqual(after["refused_size"], before["refused_size"] + 1)
        self.assertEqual(after["expired"], before["expired"] + 1)
        self.assertGreater(after["requests"], before["requests"])

    def metrics(self):
        said = subprocess.check_output([CTL, "-m", self.mount.dir, "metrics"], text=True)
        return dict(line.rsplit(" ", 1) for line in said.splitlines() if line[0] != "#")

    def test_metrics_go_on_too(self):
        self.refuse()
        before = self.metrics()
        self.kill_server()
        after = self.metrics()
        for name in before:
            if "_total" in name:
                self.assertGreaterEqual(int(after[name]), int(before[name]), name)
        refused = 'shmfs_refused_total{mount="%s",limit="size"}' % self.mount.dir
        self.assertEqual(after[refused], before[refused])

    def test_metrics_are_those_of_the_manual(self):
        with open("man/shmfsctl.1") as file:
            named = re.findall(r"\bshmfs_[a-z_]+", file.read().split(".Sh METRICS")[1])
        self.mount.call("CreateTenant", path="tenant")
        shown = {name.split("{")[0] for name in self.metrics()}
        self.assertEqual(shown, set(named))
