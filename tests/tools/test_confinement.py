# SPDX-License-Identifier: BSD-2-Clause
"""What the processes may do, and that it is enough for them under the unit, too."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from mount import Mount, children_of

UNIT = os.path.join(os.path.dirname(__file__), "../../daemon/shmfs@.service.in")
PROFILE = os.path.join(os.path.dirname(__file__), "../../daemon/shmfs.apparmor.in")
NUMBERS = {
    "CAP_DAC_READ_SEARCH": 2,
    "CAP_KILL": 5,
    "CAP_SETGID": 6,
    "CAP_SETUID": 7,
    "CAP_SETPCAP": 8,
    "CAP_IPC_LOCK": 14,
    "CAP_SYS_CHROOT": 18,
    "CAP_SYS_PTRACE": 19,
    "CAP_SYS_ADMIN": 21,
    "CAP_SYS_NICE": 23,
    "CAP_SYS_RESOURCE": 24,
}
MOUNTING = "CAP_SYS_ADMIN CAP_DAC_READ_SEARCH CAP_SYS_CHROOT CAP_SYS_PTRACE"
SERVING = "CAP_SYS_ADMIN CAP_SYS_NICE CAP_SYS_RESOURCE CAP_IPC_LOCK"
HOLDERS = "CAP_SYS_PTRACE CAP_DAC_READ_SEARCH"
ROLES = {
    "shmfs": " ".join(NUMBERS),
    "shmfs-keeper": MOUNTING,
    "shmfs-server": SERVING,
    "shmfs-parsers": "",
    "shmfs-holders": HOLDERS,
}


def mask_of(names):
    return sum(1 << number for name, number in NUMBERS.items() if name in names.split())


def status_of(pid):
    with open("/proc/%d/status" % pid) as status:
        return dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)


def processes_of(mount):
    return [mount.daemon.pid, *children_of(mount.daemon.pid)]


def values_of(name):
    with open(UNIT) as unit:
        return [line.split("=", 1)[1].strip() for line in unit if line.startswith(name + "=")]


class Roles(unittest.TestCase):
    def setUp(self):
        self.mount = Mount()

    def tearDown(self):
        self.mount.stop()

    def check(self):
        ours = int(status_of(os.getpid())["CapBnd"], 16)
        seen = set()
        # Who answers has given up what it does not need.
        self.mount.call("Holders", all=True)
        for pid in processes_of(self.mount):
            status = status_of(pid)
            seen.add(status["Name"])
            mask = mask_of(ROLES[status["Name"]]) & ours
            for name in ("CapBnd", "CapPrm", "CapEff"):
                self.assertEqual(int(status[name], 16), mask, (status["Name"], name))
            for name in ("CapInh", "CapAmb"):
                self.assertEqual(int(status[name], 16), 0, (status["Name"], name))
            self.assertEqual(status["NoNewPrivs"], "1", status["Name"])
            self.assertEqual(status["Seccomp"], "2", status["Name"])
        self.assertEqual(seen, set(ROLES))

    def test_each_process_has_what_its_role_needs_and_its_successors_as_well(self):
        self.check()
        server = self.mount.server_pid()
        os.kill(server, signal.SIGKILL)
        self.mount.wait_until(lambda: self.mount.has_other_server(server))
        self.check()
        self.mount.daemon.send_signal(signal.SIGHUP)
        self.mount.wait_until(lambda: self.mount.log_text("goes on"))
        self.check()

    def test_a_keeper_that_is_killed_is_replaced(self):
        def keepers():
            found = []
            for pid in processes_of(self.mount):
                try:
                    status = status_of(pid)
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if status["Name"] == "shmfs-keeper" and status["State"][0] != "Z":
                    found.append(pid)
            return found

        (before,) = keepers()
        os.kill(before, signal.SIGKILL)
        self.mount.wait_until(lambda: len(keepers()) == 1 and keepers() != [before])


class Orphans(unittest.TestCase):
    def test_whoever_calls_while_the_supervisor_dies_sees_the_mount_or_what_was_there_before(self):
        """And never a mount that nobody serves."""
        for _ in range(10):
            mount = Mount()
            before = os.stat(mount.base).st_dev
            mount.daemon.kill()
            end = time.monotonic() + 10
            while os.stat(mount.dir).st_dev != before:
                self.assertLess(time.monotonic(), end)
            mount.daemon.wait()
            mount.log.close()
            shutil.rmtree(mount.base)


class Unit(unittest.TestCase):
    def under_the_unit(self):
        """Its capabilities, and no network; the filters of the processes are narrower than its own."""
        kept = [name[4:].lower() for name in " ".join(values_of("CapabilityBoundingSet")).split()]
        ours = int(status_of(os.getpid())["CapBnd"], 16)
        kept = [name for name in kept if ours >> NUMBERS["CAP_" + name.upper()] & 1]
        return (
            *("unshare", "-n", "setpriv", "--no-new-privs"),
            "--bounding-set=-all," + ",".join("+" + name for name in kept),
        )

    def test_it_keeps_what_the_supervisor_keeps(self):
        self.assertEqual(values_of("NoNewPrivileges"), ["yes"])
        names = " ".join(values_of("CapabilityBoundingSet"))
        self.assertEqual(sorted(names.split()), sorted(NUMBERS))

    def test_its_profile_has_the_same_capabilities(self):
        with open(PROFILE) as profile:
            names = re.findall(r"^ *capability (\w+),$", profile.read(), re.M)
        self.assertEqual(sorted("CAP_" + name.upper() for name in names), sorted(NUMBERS))

    def test_mounting_replacing_upgrading_and_unmounting_work_under_it(self):
        mount = Mount(under=self.under_the_unit())
        mount.make("a", 4096)
        server = mount.server_pid()
        os.kill(server, signal.SIGKILL)
        mount.wait_until(lambda: mount.has_other_server(server))
        mount.daemon.send_signal(signal.SIGHUP)
        mount.wait_until(lambda: mount.log_text("goes on"))
        self.assertEqual(os.stat(mount.path("a")).st_size, 4096)
        mount.stop()

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_its_exposure_is_at_most_4(self):
        with tempfile.TemporaryDirectory() as directory, open(UNIT) as unit:
            path = os.path.join(directory, "shmfs@.service")
            with open(path, "w") as file:
                file.write(unit.read().replace("@program@", "/usr/sbin/shmfs"))
            said = subprocess.run(
                ["systemd-analyze", "security", "--offline=yes", "--no-pager", path],
                capture_output=True,
                text=True,
            ).stdout
        exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
        self.assertLessEqual(float(exposure[1]), 4.0)

    def test_it_has_no_mount_namespace(self):
        """What implies one, by systemd.exec(5)."""
        for name in (
            *("PrivateTmp", "PrivateDevices", "PrivateIPC", "PrivateUsers", "ProtectSystem"),
            *("ProtectHome", "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs"),
            *("ProtectControlGroups", "ProtectProc", "ProcSubset", "ReadWritePaths", "ReadOnlyPaths"),
            *("InaccessiblePaths", "BindPaths", "BindReadOnlyPaths", "TemporaryFileSystem"),
            *("RootDirectory", "RootImage", "DynamicUser", "LogNamespace", "MountFlags"),
        ):
            self.assertEqual(values_of(name), [], name)
        self.assertEqual(values_of("PrivateMounts"), ["no"])


if __name__ == "__main__":
    unittest.main()
