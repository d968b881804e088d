# SPDX-License-Identifier: BSD-2-Clause
"""Those beside the server, killed once at each of their steps: nobody notices.

    helpers.py

Beside a client that reads and writes files, one is killed at its first step, then at its second, and so
on: while calls are made, as another one of them begins, and in an upgrade. The keeper is killed while it
unmounts, too: no call hangs then, and what is left can be unmounted. SHMFS_BIN has fail points.
"""

import contextlib
import errno
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
for folder in ("tools", "support"):
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), folder))

from failpoints import HELPERS, Steps  # noqa: E402
from mount import Mount, errno_of, is_there, living_children, within  # noqa: E402

# More holders than are told at a time.
OBJECTS = 150
MORE_TRIES = 50
NAMES = {"shmfs-keeper", "shmfs-parsers", "shmfs-holders"}
SOURCES = ("roles/zygote.c", "roles/zygotes.c", "roles/scan.c", "supervisor/keeper.c", "process/upgrade.c")


# Of the keeper, once the supervisor was killed; and whether the mount is there then, with nobody to serve it.
OF_UNMOUNTING = {"keeper unmounts": True, "keeper has unmounted": False}


def labels():
    """Of all steps that helpers have."""
    found = {"trial succeeds"}
    for name in SOURCES:
        with open(os.path.join(TOP, "daemon", name)) as source:
            found.update(re.findall(r'failpoint\("([^"]+)"\)', source.read()))
    return found - set(OF_UNMOUNTING)


class Files(threading.Thread):
    """A client that has no control connection."""

    def __init__(self, mount):
        super().__init__(daemon=True)
        self.path = mount.path("used all the time")
        self.ended = threading.Event()
        self.wrong = None
        self.times = 0

    def use_once(self):
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        os.ftruncate(fd, 8192)
        wanted = b"%08d" % self.times * 1000
        assert os.pwrite(fd, wanted, 100) == len(wanted)
        assert os.pread(fd, len(wanted), 100) == wanted
        os.close(fd)
        os.unlink(self.path)

    def run(self):
        try:
            while not self.ended.is_set():
                self.use_once()
                self.times += 1
                time.sleep(0.001)
        except Exception as error:  # whatever it is
            self.wrong = repr(error)

    def end(self):
        self.ended.set()
        self.join(30)
        if self.wrong is not None or self.times == 0:
            raise AssertionError("files: %s" % self.wrong)


class Helpers:
    def __init__(self):
        self.steps = Steps()
        self.mount = Mount("")
        self.fds = [
            os.open(self.mount.path("object-%d" % i), os.O_RDWR | os.O_CREAT) for i in range(OBJECTS)
        ]
        seed = int(os.environ.get("SHMFS_TEST_SEED", random.getrandbits(32)))
        print("SHMFS_TEST_SEED=%d" % seed, flush=True)
        self.random = random.Random(seed)
        self.killed_at = set()

    # --- who is there

    def helpers(self):
        children = living_children(self.mount.daemon.pid)
        return {name: pid for name, pid in children if name in NAMES}

    def all_are_there(self):
        return set(self.helpers()) == NAMES

    def replace(self, *names):
        # One may just have been killed at its step.
        before = self.mount.children()
        for name in names:
            with contextlib.suppress(ProcessLookupError):
                os.kill(before[name], signal.SIGKILL)
        self.mount.wait_until(
            lambda: self.all_are_there() and all(self.helpers().get(name) != before[name] for name in names)
        )

    # --- what is done meanwhile

    def ask(self):
        """By a connection of its own for each, and by one for all."""
        with self.mount.client() as client:
            for call in (client.call, self.mount.call):
                assert "mount" in call("GetLimits")
                assert len(call("List")["objects"]) > 0
                held = {one["pid"]: one["objects"] for one in call("Holders", all=True)["holders"]}
                assert held[os.getpid()] >= OBJECTS, held

    def calls(self):
        self.ask()

    def zygotes_begin(self):
        self.replace("shmfs-parsers", "shmfs-holders")

    def keeper_begins(self):
        self.replace("shmfs-keeper")

    def upgrade(self):
        """A trial that is killed has not succeeded."""
        said = ("goes on\n", "cannot go on with this mount")
        before = sum(self.mount.log_count(text) for text in said)
        self.mount.daemon.send_signal(signal.SIGHUP)
        self.mount.wait_until(lambda: sum(self.mount.log_count(text) for text in said) > before)

    # --- kills

    def await_kill(self, expected):
        """The label, or "": all steps that there are were made."""
        end = time.monotonic() + (10 if expected else 0.05)
        while not self.steps.killed_at() and time.monotonic() < end:
            time.sleep(0.001)
        return self.steps.killed_at()

    def run_once(self, work, at, expected):
        self.steps.arm_at(at, HELPERS)
        work()
        label = self.await_kill(expected) if at else ""
        self.steps.disarm()
        self.mount.wait_until(self.all_are_there)
        self.ask()
        assert self.mount.call("Verify")["violations"] == 0
        return label

    def steps_of(self, work):
        """Those of one run without a kill, as far as they come by themselves."""
        self.run_once(work, 0, False)
        time.sleep(0.1)
        self.steps.arm_at(0, HELPERS)
        work()
        time.sleep(0.1)
        return self.steps.count()

    def try_all(self, work):
        count, kills = self.steps_of(work), 0
        for at in range(1, count + 1):
            label = self.run_once(work, at, at < count // 2)
            kills += label != ""
            self.killed_at.add(label)
        print("%-13s %d steps, %d kills" % (work.__name__, count, kills), flush=True)

    def try_those_missed(self, works):
        """Several are at work at once, so that the so-manieth step is not always the same one."""
        for _ in range(MORE_TRIES):
            for work in works:
                if labels() <= self.killed_at:
                    return
                self.killed_at.add(self.run_once(work, self.random.randrange(1, 11), False))

    def end(self):
        for fd in self.fds:
            os.close(fd)
        self.mount.stop()


def kill_keeper_as_it_unmounts(label, is_left):
    steps, mount = Steps(), Mount("")
    fd = os.open(mount.path("open"), os.O_RDWR | os.O_CREAT)
    children = mount.children()
    steps.arm(label, children["shmfs-keeper"])
    mount.daemon.kill()
    mount.daemon.wait()
    within(10, lambda: not any(is_there(pid) for pid in children.values()))
    assert errno_of(os.fchmod, fd, 0o600) == errno.ENOTCONN
    os.close(fd)
    assert errno_of(os.stat, mount.path("open")) == (errno.ENOTCONN if is_left else errno.ENOENT)
    if is_left:
        subprocess.run(["umount", mount.dir], check=True, timeout=10)
    mount.log.close()
    shutil.rmtree(mount.base)
    print("killed at: " + label)


def main():
    for label, is_left in OF_UNMOUNTING.items():
        kill_keeper_as_it_unmounts(label, is_left)
    helpers = Helpers()
    files = Files(helpers.mount)
    files.start()
    works = (helpers.calls, helpers.zygotes_begin, helpers.keeper_begins, helpers.upgrade)
    for work in works:
        helpers.try_all(work)
    helpers.try_those_missed(works)
    files.end()
    helpers.end()
    missed = labels() - helpers.killed_at
    print("killed at %d kinds of steps; files were used %d times" % (len(labels()), files.times))
    if missed:
        sys.exit("never killed at %s" % ", ".join(sorted(missed)))


if __name__ == "__main__":
    main()
