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
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("tools", "support"):
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), folder))

from failpoints import Steps  # noqa: E402
from mount import Mount, is_there  # noqa: E402

SIZE = 1 << 20
PUNCH_HOLE = 3  # with FALLOC_FL_KEEP_SIZE
LIBC = ctypes.CDLL(None, use_errno=True)


def write(fd, _):
    return os.pwrite(fd, b"stored!!" * 512, 8192)


def write_much(fd, _):
    """So much that a thread of its own does it."""
    return os.pwrite(fd, b"stored!!" * 32768, 8192)


def punch(fd, _):
    return LIBC.fallocate(fd, PUNCH_HOLE, ctypes.c_long(8192), ctypes.c_long(4096))


def copy(fd, other):
    return os.copy_file_range(other, fd, 4096, 0, 8192)


# What is called, the step that comes right after it was done, and what it leaves.
OPERATIONS = [
    (write, "bytes written", b"stored!!"),
    (write_much, "bytes moved", b"stored!!"),
    (punch, "bytes zeroed", bytes(8)),
    (copy, "bytes written", b"copied!!"),
]


class Twice:
    def __init__(self):
        self.steps = Steps()
        self.mount = Mount("")
        self.fd = os.open(self.mount.path("a"), os.O_CREAT | os.O_RDWR)
        self.other = os.open(self.mount.path("b"), os.O_CREAT | os.O_RDWR)
        for fd in (self.fd, self.other):
            os.ftruncate(fd, SIZE)
            os.pwrite(fd, b"copied!!" * 512, 0)
        self.map = mmap.mmap(self.fd, SIZE)

    def run(self, operation, label, left):
        """Kills at a step; whether it was stored by then, and what was answered is still there."""
        self.map[8192:12288] = b"before!!" * 512
        server = self.mount.server_pid()
        os.kill(self.mount.daemon.pid, signal.SIGSTOP)
        self.steps.arm(label, server)
        thread = threading.Thread(target=operation, args=(self.fd, self.other))
        other = threading.Thread(target=os.pread, args=(self.other, 1, 0))
        # A second request waits behind the first, so that it is worth a thread.
        os.kill(server, signal.SIGSTOP)
        thread.start()
        time.sleep(0.005)
        other.start()
        time.sleep(0.005)
        os.kill(server, signal.SIGCONT)
        while is_there(server) and thread.is_alive():
            time.sleep(0.0005)
        self.steps.disarm()
        killed = not is_there(server)
        stored = self.map[8192:8200] == left
        if stored:
            self.map[8192:8200] = b"answered"
        os.kill(self.mount.daemon.pid, signal.SIGCONT)
        thread.join()
        other.join()
        return killed and stored, not stored or self.map[8192:8200] == b"answered"

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
        answered = again = 0
        for _ in range(kills):
            stored, kept = twice.run(operation, label, left)
            answered += stored
            again += not kept
        print(
            "%-10s killed and answered %d times of %d, stored again %d times"
            % (operation.__name__, answered, kills, again)
        )
        bad += again + (answered < kills)
    sys.exit(1 if twice.end() + bad else 0)


if __name__ == "__main__":
    main()
