# SPDX-License-Identifier: BSD-2-Clause
"""Those beside the server: what they have, and that nobody notices when they die."""

import contextlib
import errno
import os
import random
import shutil
import signal
import stat
import tempfile
import threading
import time
import unittest

from mount import (
    BIN,
    Mount,
    children_of,
    errno_of,
    is_there,
    living_children,
    name_and_state,
    within,
)

NAMES = ("shmfs-parsers", "shmfs-holders")


def read(pid, file):
    with open("/proc/%d/%s" % (pid, file)) as text:
        return text.read()


def send(pid, number):
    """Whether it was there."""
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


def zygotes(mount):
    return {name: pid for name, pid in living_children(mount.daemon.pid) if name in NAMES}


def everybody(mount):
    return [one for pid in zygotes(mount).values() for one in (pid, *children_of(pid))]


def look_at(pids, look):
    """How many of them are still there after it: that of a client who has just left may be ending."""
    found = 0
    for pid in pids:
        try:
            look(pid)
        except (OSError, AssertionError):
            if is_there(pid):
                raise
        found += is_there(pid)
    return found


class Roles(unittest.TestCase):
    def setUp(self):
        self.mount = Mount()
        self.mount.make("object", 4096)
        self.ask()

    def tearDown(self):
        if self.mount is not None:
            self.mount.stop()

    def ask(self):
        self.assertIn("mount", self.mount.call("GetLimits"))
        self.assertFalse(self.mount.call("Holders", all=True)["truncated"])

    def assert_is_parser(self, pid):
        status = dict(line.split(":\t", 1) for line in read(pid, "status").splitlines() if ":\t" in line)
        self.assertNotIn("0", status["Uid"].split())
        self.assertEqual(status["Groups"].split(), [])
        self.assertEqual(int(status["CapPrm"], 16), 0)
        with self.assertRaises(OSError):
            os.listdir("/proc/%d/root/" % pid)
        self.assertRegex(read(pid, "limits"), r"Max cpu time +(2|unlimited) ")

    def test_a_parser_has_no_right_no_file_and_no_object(self):
        with self.mount.client() as client:
            client.call("GetLimits")
            found = zygotes(self.mount)
            self.mount.wait_until(lambda: len(children_of(found["shmfs-parsers"])) >= 2)
            parsers = children_of(found["shmfs-parsers"])
            self.assertGreaterEqual(look_at((found["shmfs-parsers"], *parsers), self.assert_is_parser), 2)
            at_work = []
            look_at(parsers, lambda pid: at_work.append(len(os.listdir("/proc/%d/fd" % pid)) == 1))
            self.assertIn(True, at_work)

    def assert_has_no_memory_or_descriptor(self, pid):
        self.assertNotRegex(read(pid, "maps"), "shmfs-(arena|handover)")
        for fd in os.listdir("/proc/%d/fd" % pid):
            self.assertRegex(os.readlink("/proc/%d/fd/%s" % (pid, fd)), "^(socket|pipe):")

    def test_nobody_beside_the_server_has_its_memory_or_descriptors(self):
        self.assertGreater(look_at(everybody(self.mount), self.assert_has_no_memory_or_descriptor), 2)

    def test_ps_names_them_and_their_mount(self):
        for name, pid in zygotes(self.mount).items():
            self.assertEqual(read(pid, "cmdline").split("\0")[:2], [name, self.mount.dir])
        self.assertEqual(set(zygotes(self.mount)), set(NAMES))

    def ask_all_the_time(self, work):
        """While work() is done; the number of answers, and what went wrong."""
        ended, wrong, answers = threading.Event(), [], [0]

        def go_on(method, parameters, same):
            client = self.mount.client() if same else None
            while not ended.is_set():
                try:
                    (client or self.mount).call(method, **parameters)
                    answers[0] += 1
                except Exception as error:  # whatever it is
                    wrong.append(repr(error))
                    client = self.mount.client() if same else None

        threads = [
            threading.Thread(target=go_on, args=one, daemon=True)
            for one in (
                ("GetLimits", {}, True),
                ("GetLimits", {}, False),
                ("List", {"probe": True}, True),
                ("Holders", {"all": True}, True),
            )
        ]
        for thread in threads:
            thread.start()
        try:
            work()
        finally:
            ended.set()
            for thread in threads:
                thread.join(30)
        return answers[0], wrong

    def test_no_call_fails_while_they_are_killed(self):
        seed = random.randrange(1 << 32)
        print("test_no_call_fails_while_they_are_killed: seed %d" % seed)
        rng = random.Random(seed)
        kills = [0]

        def kill():
            for _ in range(40):
                time.sleep(rng.uniform(0.05, 0.3))
                victims = everybody(self.mount)
                if victims:
                    kills[0] += send(rng.choice(victims), signal.SIGKILL)

        answers, wrong = self.ask_all_the_time(kill)
        print("%d answers, %d kills" % (answers, kills[0]))
        self.assertEqual(wrong, [])
        self.assertGreater(answers, 50)
        self.assertGreater(kills[0], 20)
        self.mount.wait_until(lambda: len(zygotes(self.mount)) == 2)
        self.assertEqual(self.mount.call("Verify")["violations"], 0)

    def test_who_is_stopped_is_replaced(self):
        for pid in everybody(self.mount):
            send(pid, signal.SIGSTOP)
        self.ask()

    def test_a_crash_of_one_ends_its_zygote_so_that_the_next_has_another_layout(self):
        before = zygotes(self.mount)["shmfs-parsers"]
        with self.mount.client() as client:
            client.call("GetLimits")
            for pid in children_of(before):
                send(pid, signal.SIGSEGV)
            client.call("GetLimits")
        self.mount.wait_until(lambda: zygotes(self.mount).get("shmfs-parsers") not in (None, before))
        self.ask()

    def test_an_upgrade_has_its_own_and_keeps_connections_with_pins(self):
        before = zygotes(self.mount)
        with self.mount.client() as client:
            pin = client.call("Pin", path="object")["pin"]
            self.mount.daemon.send_signal(signal.SIGHUP)
            self.mount.wait_until(lambda: self.mount.log_text("goes on"))
            client.call("Unpin", pin=pin)
        self.ask()
        after = zygotes(self.mount)
        self.assertEqual(set(after), set(before))
        self.assertFalse(set(after.values()) & set(before.values()))
        self.assertFalse([pid for pid in before.values() if is_there(pid)])

    def test_they_outlive_a_server(self):
        before, server = zygotes(self.mount), self.mount.server_pid()
        os.kill(server, signal.SIGKILL)
        self.mount.wait_until(lambda: self.mount.has_other_server(server))
        self.assertEqual(zygotes(self.mount), before)

    def test_a_message_that_no_parser_survives_is_refused(self):
        """As one would that breaks them: the connection is told so and closed, others are served."""
        ended = threading.Event()

        def kill():
            while not ended.is_set():
                found = zygotes(self.mount).get("shmfs-parsers")
                for pid in children_of(found) if found else []:
                    send(pid, signal.SIGSTOP)

        thread = threading.Thread(target=kill, daemon=True)
        thread.start()
        try:
            with self.mount.client() as client:
                client.send(b'{"method":"org.shmfs.GetLimits"}\0')
                client.socket.settimeout(30)
                reply = client.receive()
                if "error" in reply:
                    self.assertEqual(reply["error"], "org.shmfs.BadMessage")
                    self.assertIsNone(client.receive())
        finally:
            ended.set()
            thread.join()
        self.ask()

    def test_all_of_them_end_with_the_mount(self):
        for end in (self.unmount, self.kill_supervisor):
            pids = everybody(self.mount)
            self.assertGreaterEqual(len(pids), 4)
            end()
            deadline = time.monotonic() + 10
            while any(is_there(pid) for pid in pids):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            if self.mount is None:
                break
            self.mount = Mount()
            self.ask()

    def unmount(self):
        self.mount.stop()

    def kill_supervisor(self):
        self.mount.daemon.kill()
        self.mount.daemon.wait()
        self.mount.log.close()
        self.mount = None


class Orphans(unittest.TestCase):
    """The supervisor was killed while somebody who shares the connection did nothing."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="shmfs-tools.")
        self.addCleanup(shutil.rmtree, self.folder)
        self.program = shutil.copy(BIN, os.path.join(self.folder, "shmfs"))
        self.mount = Mount(program=self.program)
        self.fd = os.open(self.mount.path("open"), os.O_RDWR | os.O_CREAT)
        self.children = self.mount.children()
        self.addCleanup(self.clean_up)

    def clean_up(self):
        for pid in (self.mount.daemon.pid, *self.children.values()):
            send(pid, signal.SIGKILL)
        self.mount.daemon.wait()
        os.close(self.fd)
        if os.path.ismount(self.mount.dir) or errno_of(os.stat, self.mount.dir) == errno.ENOTCONN:
            os.system("umount " + self.mount.dir)
        self.mount.log.close()
        shutil.rmtree(self.mount.base)

    def stop(self, name):
        os.kill(self.children[name], signal.SIGSTOP)
        within(10, lambda: name_and_state(self.children[name])[1] == "T")

    def kill_supervisor(self):
        self.mount.daemon.kill()
        self.mount.daemon.wait()

    def assert_calls_end(self, seconds):
        """Some may be answered before, and one may be made while the connection ends. The kernel does not
        answer this one by itself, as it may a read."""
        found = 0
        while found == 0:
            found = errno_of(os.fchmod, self.fd, 0o600, seconds=seconds)
        self.assertIn(found, (errno.ECONNABORTED, errno.ENOTCONN))
        self.assertEqual(errno_of(os.fchmod, self.fd, 0o600), errno.ENOTCONN)
        within(10, lambda: not is_there(self.children["shmfs-server"]))

    def test_no_call_hangs_where_the_server_was_stopped(self):
        self.stop("shmfs-server")
        self.kill_supervisor()
        self.assert_calls_end(10)
        self.assertEqual(errno_of(os.stat, self.mount.path("open")), errno.ENOENT)

    def test_no_call_hangs_where_a_later_server_was_stopped(self):
        os.kill(self.children["shmfs-server"], signal.SIGKILL)
        self.assertEqual(errno_of(os.fchmod, self.fd, 0o600, seconds=10), 0)
        self.children = self.mount.children()
        self.test_no_call_hangs_where_the_server_was_stopped()

    def test_no_call_hangs_where_the_keeper_was_stopped(self):
        """It may have been at work for others: so the server waits for it, for ten seconds."""
        self.stop("shmfs-keeper")
        self.kill_supervisor()
        self.assert_calls_end(20)
        self.assertEqual(errno_of(os.stat, self.mount.path("open")), errno.ENOTCONN)

    def test_no_call_hangs_where_an_upgrade_was_tried_that_does_not_end(self):
        """The keeper is killed as well, as nobody unmounts, so that all end at once."""
        replacement = os.path.join(self.folder, "new")
        with open(replacement, "w") as script:
            script.write("#!/bin/sh\nexec sleep 1000\n")
        os.chmod(replacement, stat.S_IRWXU)
        os.rename(replacement, self.program)
        self.mount.daemon.send_signal(signal.SIGHUP)
        self.mount.wait_until(lambda: "sleep" in dict(living_children(self.mount.daemon.pid)))
        self.children = self.mount.children()
        os.kill(self.children["shmfs-keeper"], signal.SIGKILL)
        self.kill_supervisor()
        self.assert_calls_end(10)

    def test_a_stopped_keeper_is_replaced(self):
        before = self.children["shmfs-keeper"]
        self.stop("shmfs-keeper")
        self.mount.wait_until(
            lambda: dict(living_children(self.mount.daemon.pid)).get("shmfs-keeper", before) != before
        )
