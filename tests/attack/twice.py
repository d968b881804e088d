# SPDX-License-Identifier: BSD-2-Clause
"""Servers killed right after they have stored something, while another program answers in its place.

    twice.py KILLS

What a server stored, or zeroed, before it was killed must not be stored once more by the next one: by
then somebody else has stored there, through a mapping. SHMFS_BIN has fail points.
"""

import ctypes
import mmap
import os
import signal
import struct
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tools"))

from mount import Mount  # noqa: E402

SIZE = 1 << 20
PUNCH_HOLE = 3  # with FALLOC_FL_KEEP_SIZE
LIBC = ctypes.CDLL(None, use_errno=True)
STEPS_MAX = 60


class Steps:
    """The page by which the daemon is told where to kill itself: struct failpoints."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile()
        self.file.truncate(mmap.PAGESIZE)
        self.page = mmap.mmap(self.file.fileno(), mmap.PAGESIZE)
        os.environ["SHMFS_FAILPOINTS_FILE"] = self.file.name

    def arm(self, at):
        self.page[88:152] = bytes(64)
        struct.pack_into("<QQQ", self.page, 0, at, 0, 0)

    def has_killed(self):
        return struct.unpack_from("<Q", self.page, 0)[0] == 0

    def label(self):
        return self.page[88:152].split(b"\0")[0].decode()


def write(fd, _):
    return os.pwrite(fd, b"stored!!" * 512, 8192)


def punch(fd, _):
    return LIBC.fallocate(fd, PUNCH_HOLE, ctypes.c_long(8192), ctypes.c_long(4096))


def copy(fd, other):
    return os.copy_file_range(other, fd, 4096, 0, 8192)


# What is called, the step that comes right after it was done, and what it leaves.
OPERATIONS = [
    (write, "bytes written", b"stored!!"),
    (punch, "bytes zeroed", bytes(8)),
    (copy, "bytes written", b"copied!!"),
]


class Twice:
    def __init__(self):
        self.steps = Steps()
        self.steps.arm(0)
        self.mount = Mount("")
        self.fd = os.open(self.mount.path("a"), os.O_CREAT | os.O_RDWR)
        self.other = os.open(self.mount.path("b"), os.O_CREAT | os.O_RDWR)
        for fd in (self.fd, self.other):
            os.ftruncate(fd, SIZE)
            os.pwrite(fd, b"copied!!" * 512, 0)
        self.map = mmap.mmap(self.fd, SIZE)

    def run(self, operation, at, left):
        """Kills at a step; whether the answer that was given meanwhile is still there."""
        self.map[8192:12288] = b"before!!" * 512
        os.kill(self.mount.daemon.pid, signal.SIGSTOP)
        self.steps.arm(at)
        result = []
        thread = threading.Thread(target=lambda: result.append(operation(self.fd, self.other)))
        thread.start()
        while not self.steps.has_killed() and thread.is_alive():
            time.sleep(0.0005)
        label, stored = self.steps.label(), self.map[8192:8200] == left
        if stored:
            self.map[8192:8200] = b"answered"
        os.kill(self.mount.daemon.pid, signal.SIGCONT)
        thread.join()
        self.steps.arm(0)
        return label, stored, not stored or self.map[8192:8200] == b"answered"

    def find(self, operation, wanted, left):
        for at in range(1, STEPS_MAX):
            label, stored, _ = self.run(operation, at, left)
            if label == wanted and stored:
                return at
        raise SystemExit("twice: %s has no step '%s'" % (operation.__name__, wanted))

    def end(self):
        violations = self.mount.call("Verify")["violations"]
        self.map.close()
        os.close(self.fd)
        os.close(self.other)
        for name in ("a", "b"):
            os.unlink(self.mount.path(name))
        self.mount.stop()
        return violations


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    twice = Twice()
    bad = 0
    for operation, label, left in OPERATIONS:
        at = twice.find(operation, label, left)
        answered = again = tries = 0
        # What the server does by itself takes steps, too.
        while answered < kills and tries < 20 * kills:
            killed_at, stored, kept = twice.run(operation, at, left)
            tries += 1
            answered += stored and killed_at == label
            again += not kept
        print(
            "%-6s killed and answered %d times of %d, stored again %d times"
            % (operation.__name__, answered, tries, again)
        )
        bad += again + (answered < kills)
    sys.exit(1 if twice.end() + bad else 0)


if __name__ == "__main__":
    main()
