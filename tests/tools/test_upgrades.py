# SPDX-License-Identifier: BSD-2-Clause
"""Another program that goes on with a mount while it is asked."""

import os
import signal
import threading
import unittest

from mount import Mount

CALLERS = 32


def has_pending(pid, number):
    with open("/proc/%d/status" % pid) as status:
        pending = next(line for line in status if line.startswith("ShdPnd:"))
    return int(pending.split()[1], 16) >> (number - 1) & 1 == 1


def asleep(threads):
    """How many of these threads sleep."""
    count = 0
    for thread in threads:
        with open("/proc/self/task/%d/stat" % thread.native_id) as stat:
            count += stat.read().rsplit(")", 1)[1].split()[0] in "SD"
    return count


class Upgrades(unittest.TestCase):
    def setUp(self):
        self.mount = Mount(verbose=True)
        self.addCleanup(self.mount.stop)

    def ask(self):
        """Callers who wait for an answer that the kernel does not have."""
        callers = [
            threading.Thread(target=os.statvfs, args=(self.mount.dir,), daemon=True)
            for _ in range(CALLERS)
        ]
        for caller in callers:
            caller.start()
            self.addCleanup(caller.join, 20)
        self.mount.wait_until(lambda: asleep(callers) == CALLERS)
        return callers

    def test_a_server_that_is_to_end_begins_no_request_before_it_does(self):
        server = self.mount.server_pid()
        os.kill(server, signal.SIGSTOP)
        before = self.mount.log_count("opcode: STATFS")
        callers = self.ask()
        self.mount.daemon.send_signal(signal.SIGHUP)
        self.mount.wait_until(lambda: has_pending(server, signal.SIGTERM))
        os.kill(server, signal.SIGCONT)
        for caller in callers:
            caller.join(20)
            self.assertFalse(caller.is_alive())
        with open(self.mount.log.name) as log:
            said = log.read()
        served = said[: said.index("going on with")].count("opcode: STATFS") - before
        self.assertLessEqual(served, 1)
        self.assertNotIn("does not stop", said)
