# SPDX-License-Identifier: BSD-2-Clause
"""A terminal for a command, whose keys are pressed: terminal.py keys|hangup COMMAND [ARGUMENT...]

The command says that it is there by the file "ready", and tells of signals in the file "got". With
"keys" it is a job of a shell, with "hangup" the leader of the session.
"""

import os
import pty
import signal
import sys
import threading
import time

SHELL = """
set -m
"$@"; echo "stopped=$?"
read -r _
fg >/dev/null; echo "ended=$?"
"""


def wait_until(condition):
    end = time.monotonic() + 5 * int(os.environ.get("SHMFS_TEST_SLOW", "1"))
    while not condition():
        if time.monotonic() > end:
            sys.exit("it did not come to pass: %s" % condition.__name__)
        time.sleep(0.01)


def is_ready():
    return os.path.exists("ready")


def got():
    try:
        with open("got") as file:
            return file.read().split()
    except FileNotFoundError:
        return []


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        return [int(child) for child in file.read().split()]


def name_and_state(pid):
    with open("/proc/%d/stat" % pid) as file:
        name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
    return name, rest.split()[0]


class Terminal:
    def __init__(self, command):
        self.said = b""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)
        wait_until(is_ready)

    def read(self):
        try:
            while True:
                self.said += os.read(self.master, 4096)
        except OSError:
            pass

    def press(self, key):
        os.write(self.master, key)

    def told(self, what):
        """What it says behind a word and a sign of equality, once it does."""

        def has_told():
            return (b"%s=" % what) in self.said and self.said.endswith(b"\n")

        wait_until(has_told)
        return int(self.said.split(b"%s=" % what)[1].split()[0])


def press_keys(command):
    terminal = Terminal(["bash", "-c", SHELL, "bash", *command])
    threading.Thread(target=terminal.read, daemon=True).start()
    (run,) = children(terminal.pid)
    (started,) = [pid for pid in children(run) if name_and_state(pid)[0] != "shmfsctl"]

    def both_stopped():
        return [name_and_state(pid)[1] for pid in (run, started)] == ["T", "T"]

    def both_go_on():
        return "T" not in [name_and_state(pid)[1] for pid in (run, started)]

    def interrupted():
        return got() == ["SIGINT"]

    terminal.press(b"\x1a")
    print("stopped with", terminal.told(b"stopped"))
    wait_until(both_stopped)
    terminal.press(b"\n")
    wait_until(both_go_on)
    terminal.press(b"\x03")
    wait_until(interrupted)
    os.kill(run, signal.SIGUSR1)
    print("ended with", terminal.told(b"ended"), "after", *got())
    os.waitpid(terminal.pid, 0)


def hang_up(command):
    terminal = Terminal(command)
    # Nobody reads from it, who would keep it.
    os.close(terminal.master)
    _, status = os.waitpid(terminal.pid, 0)
    print("ended with", os.waitstatus_to_exitcode(status), "after", *got())


if __name__ == "__main__":
    {"keys": press_keys, "hangup": hang_up}[sys.argv[1]](sys.argv[2:])
