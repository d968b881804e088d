# SPDX-License-Identifier: BSD-2-Clause
"""The page by which processes are told where to kill themselves: struct failpoints of fs/failpoint.h."""

import mmap
import os
import signal
import struct
import tempfile

SYS_KILL = {"x86_64": 62, "aarch64": 129}[os.uname().machine]

SERVERS, HELPERS = range(2)


class Steps:
    ARMED_AT, COUNT, KILLED_AT, CRASH_AT, CALL, PART = 0, 16, 88, 152, 216, 272

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile()
        self.file.truncate(mmap.PAGESIZE)
        self.page = mmap.mmap(self.file.fileno(), mmap.PAGESIZE)
        # Also one who is another user by then.
        os.environ["SHMFS_FAILPOINTS_FILE"] = self.file.name

    def arm(self, label, pid):
        """The process kills itself where the step next has this label, once."""
        self.plant(label, SYS_KILL, pid, signal.SIGKILL)

    def plant(self, label, *call):
        """Whoever comes to a step with this label makes this system call, once."""
        struct.pack_into("<7q", self.page, self.CALL, *call, *[0] * (7 - len(call)))
        struct.pack_into("64s", self.page, self.CRASH_AT, label.encode())

    def disarm(self):
        struct.pack_into("64s", self.page, self.CRASH_AT, b"")
        struct.pack_into("<Q", self.page, self.ARMED_AT, 0)

    def arm_at(self, number, part):
        """The so-manieth step of a part kills from now on; 0: none, but they are counted."""
        struct.pack_into("<Q", self.page, self.ARMED_AT, 0)
        struct.pack_into("64s", self.page, self.KILLED_AT, b"")
        struct.pack_into("<I", self.page, self.PART, part)
        struct.pack_into("<Q", self.page, self.COUNT, 0)
        struct.pack_into("<Q", self.page, self.ARMED_AT, number)

    def count(self):
        return struct.unpack_from("<Q", self.page, self.COUNT)[0]

    def killed_at(self):
        """The label; "": none has killed since arm_at()."""
        return struct.unpack_from("64s", self.page, self.KILLED_AT)[0].split(b"\0")[0].decode()
