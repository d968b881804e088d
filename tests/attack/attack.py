# SPDX-License-Identifier: BSD-2-Clause
"""Three users at everything at once; what a fourth one notices, beside the same on a tmpfs.

    attack.py SECONDS

Fails where the 99th percentile of an operation of the fourth is more than three times that on the
tmpfs, or that of an answer by any other process, which has to get a processor first as a daemon has;
where an open of the fourth, in the median, is more than a small share of a call of one of the many
threads that another user has in calls, as it is where the fourth waits for all of them; or where the
namespace is not sound afterwards.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tools"))

from hogs import HOGS, NODES, SIZE, THREADS, mean_transfer  # noqa: E402
from mount import Mount, as_user  # noqa: E402

VICTIM = 2004
OPERATIONS = ("open", "ftruncate", "unlink")
ANSWER = "answer"

TIMES_MAX = 3
# An idle machine answers in less, and nobody minds.
FLOOR_SECONDS = 0.001

# Of a call of one of so many threads: it is about all of it where nobody takes turns, and one in a
# hundred where users do.
TRANSFER_SHARE_MAX = 1 / 4


def start(uid, work, argument, base):
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            os.mkdir(os.path.join(base, work.__name__))
            os.chdir(os.path.join(base, work.__name__))
            work(argument)
        finally:
            os._exit(1)
    return pid


def take_times(base, seconds):
    """In a process of the fourth user: of each operation, how many there were, 99th percentile and median."""
    times = {name: [] for name in OPERATIONS + (ANSWER,)}
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        while theirs.recv(1):
            theirs.send(b"x")
        os._exit(0)
    theirs.close()

    def ask():
        ours.send(b"x")
        ours.recv(1)

    path = os.path.join(base, "victim")
    end = time.monotonic() + seconds

    def timed(name, work, *arguments):
        began = time.perf_counter()
        result = work(*arguments)
        times[name].append(time.perf_counter() - began)
        return result

    while time.monotonic() < end:
        fd = timed("open", os.open, path, os.O_CREAT | os.O_RDWR, 0o600)
        timed("ftruncate", os.ftruncate, fd, 65536)
        os.close(fd)
        timed("unlink", os.unlink, path)
        timed(ANSWER, ask)
        time.sleep(0.002)
    ours.close()
    os.wait()
    for all_of in times.values():
        all_of.sort()
    return {
        name: [len(all_of), all_of[len(all_of) * 99 // 100], all_of[len(all_of) // 2]]
        for name, all_of in times.items()
    }


def attack(base, mount, seconds):
    with open(os.path.join(base, "shared"), "wb"):
        pass
    os.chmod(os.path.join(base, "shared"), 0o666)
    pids = [start(uid, hog, mount, base) for uid, hogs in HOGS.items() for hog in hogs]
    try:
        time.sleep(1)
        times = as_user(VICTIM, lambda: take_times(base, seconds))
        ended = [pid for pid in pids if os.waitpid(pid, os.WNOHANG)[0] != 0]
    finally:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    pids = [pid for pid in pids if pid not in ended]
    for pid in pids:
        os.waitpid(pid, 0)
    if ended:
        raise SystemExit("attack: %d of those who attack ended by themselves" % len(ended))
    return times


def on_tmpfs(seconds):
    with tempfile.TemporaryDirectory() as base:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777,size=2g", "tmpfs", base], check=True)
        try:
            return attack(base, None, seconds)
        finally:
            subprocess.run(["umount", "-l", base], check=True)


def on_shmfs(seconds):
    mount = Mount("size=1g,user_size=%d,user_inodes=%d,lifetime_age=0" % (SIZE, NODES))
    try:
        times = attack(mount.dir, mount, seconds)
        subprocess.run("rm -rf -- %s/*" % mount.dir, shell=True, check=True)
        violations = mount.call("Verify")
    finally:
        mount.stop()
    return times, violations


def beside_threads(waited):
    """Whether others do not have to wait for all threads."""
    transfer = mean_transfer()
    slow = waited > max(TRANSFER_SHARE_MAX * transfer, FLOOR_SECONDS)
    print(
        "open   median %8.3f ms, a call of one of %d threads of another user %8.3f ms%s"
        % (waited * 1000, THREADS, transfer * 1000, ": too slow" if slow else "")
    )
    return not slow


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5
    tmpfs = on_tmpfs(seconds)
    shmfs, verified = on_shmfs(seconds)
    bad = verified["violations"]
    for line in verified["lines"]:
        print("not sound: " + line)
    answer = max(tmpfs[ANSWER][1], shmfs[ANSWER][1])
    print("%-9s p99 %8.3f ms" % (ANSWER, answer * 1000))
    for name in OPERATIONS:
        allowed = TIMES_MAX * max(tmpfs[name][1], answer, FLOOR_SECONDS)
        slow = shmfs[name][1] > allowed
        bad += slow
        print(
            "%-9s p99 %8.3f ms of %d, on a tmpfs %8.3f ms of %d%s"
            % (
                name,
                shmfs[name][1] * 1000,
                shmfs[name][0],
                tmpfs[name][1] * 1000,
                tmpfs[name][0],
                ": too slow" if slow else "",
            )
        )
    bad += not beside_threads(shmfs["open"][2])
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
