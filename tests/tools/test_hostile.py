# SPDX-License-Identifier: BSD-2-Clause
"""Clients that break the rules: they are told and closed, and nobody else notices."""

import errno
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time

from mount import OWNER, STRANGER, MountTest, ServiceError, as_user

CLIENTS_PER_USER = 8
CLIENTS, RESERVED = 20, 4
PINNED = 12


class Hostile(MountTest):
    def works(self):
        """File operations and other clients go on."""
        path = self.mount.make("works", 4096)
        os.unlink(path)
        self.assertIn("device", self.mount.call("GetMount"))

    def expect_closed(self, data):
        with self.mount.client() as client:
            client.send(data)
            reply = client.receive()
            self.assertEqual(reply["error"], "org.shmfs.BadMessage", data[:40])
            self.assertIsNone(client.receive())
        self.works()

    def test_what_is_no_message_is_told_so_and_closed(self):
        for data in (
            b"\0",
            b"GET / HTTP/1.1\r\n\r\n\0",
            b"{\0",
            b"[]\0",
            b"null\0",
            b'"org.shmfs.List"\0',
            b"{}\0",
            b'{"method":1}\0',
            b'{"method":null}\0',
            b'{"method":"org.shmfs.List","parameters":[]}\0',
            b'{"method":"org.shmfs.List","parameters":"x"}\0',
            b'{"method":"a","method":"b"}\0',
            b'{"method":"\xff"}\0',
            b'{"method":"a\\u0000b"}\0',
            b'{"method":"org.shmfs.List"} {}\0',
            b'{"method":1e999}\0',
            b"[" * 5000 + b"\0",
            b'{"a":' * 5000 + b"\0",
        ):
            self.expect_closed(data)

    def test_a_message_has_a_longest_length(self):
        call = b'{"method":"org.shmfs.GetLimits"}'
        with self.mount.client() as client:
            client.send(call + b" " * (65536 - len(call)) + b"\0")
            self.assertIn("parameters", client.receive())
            self.assertIn("device", client.call("GetMount"))
        self.expect_closed(call + b" " * (65537 - len(call)))

    def test_half_a_message_is_waited_for_and_not_for_ever(self):
        with self.mount.client() as client, self.mount.client() as slow:
            slow.send(b'{"method":"org.shmfs')
            client.send(b'{"method":"org.shmfs')
            time.sleep(0.3)
            self.works()
            client.send(b'.GetLimits"}\0')
            self.assertIn("mount", client.receive()["parameters"])
            self.assertIsNone(slow.receive())
        self.works()

    def test_a_client_that_takes_no_answers_is_served_no_further(self):
        with self.mount.client() as client:
            for i in range(200):
                self.mount.make("n%d" % i + "x" * 200)
            client.socket.settimeout(0.5)
            sent = 0
            with self.assertRaises(socket.timeout):
                while sent < 10000:
                    client.send(b'{"method":"org.shmfs.List"}\0' * 100)
                    sent += 100
            self.works()
            client.socket.settimeout(20)
            for _ in range(50):
                self.assertIn("objects", client.receive()["parameters"])

    def test_a_thousand_connections_at_once(self):
        clients, answered, turned_away = [], 0, 0
        for _ in range(1000):
            one = socket.socket(socket.AF_UNIX)
            one.connect(self.mount.socket)
            one.settimeout(20)
            clients.append(one)
        for one in clients:
            try:
                one.sendall(b'{"method":"org.shmfs.GetMount"}\0')
                said = one.recv(65536)
            except (BrokenPipeError, ConnectionResetError):
                said = b""
            if b"device" in said:
                answered += 1
            else:
                turned_away += 1
        # Another user still gets in, as a user has no more than his share.
        self.assertIn("device", self.mount.call_as(OWNER, "GetMount"))
        for one in clients:
            one.close()
        self.assertEqual(answered, CLIENTS_PER_USER)
        self.mount.wait_until(lambda: self.mount.call("GetStatistics")["clients"] == 1)
        self.works()

    def test_all_users_together_have_a_bound(self):

        def fill(uid, count):
            os.setgid(uid)
            os.setuid(uid)
            ours = [self.mount.client() for _ in range(count)]
            for one in ours:
                one.call("GetMount")
            return ours

        left, processes = CLIENTS - RESERVED, []
        for uid in (3001, 3002):
            count = min(left, CLIENTS_PER_USER)
            left -= count
            processes.append(self.process(lambda uid=uid, count=count: fill(uid, count)))
        self.assertEqual(left, 0)
        # A third one takes the place of one that is silent.
        self.assertTrue(as_user(3003, self.is_served))
        with self.mount.client() as client:
            self.mount.wait_until(
                lambda: client.call("GetStatistics")["clients"] == CLIENTS - RESERVED
            )
        processes.append(self.process(lambda: fill(3003, 2)))
        # Root gets in all the same, and he has a bound too.
        with self.mount.client() as client:
            self.assertEqual(client.call("GetStatistics")["clients"], CLIENTS - RESERVED + 1)
            others = [self.mount.client() for _ in range(RESERVED - 1)]
            for other in others:
                other.call("GetMount")
            self.assertFalse(self.is_served())
            for other in others:
                other.socket.close()
        for process in processes:
            process.kill()
        self.mount.wait_until(lambda: as_user(3003, self.is_served))
        self.works()

    def test_pins_keep_their_connection_and_leave_some_to_others(self):
        def pin(uid, count):
            name = "pinned-by-%d" % uid
            self.mount.make(name, 4096, uid)
            os.setgid(uid)
            os.setuid(uid)
            ours = [self.mount.client() for _ in range(CLIENTS_PER_USER)]
            for one in ours[:count]:
                one.call("Pin", path=name)
            for one in ours[count:]:
                self.fails_with(errno.ENFILE, lambda one=one: one.call("Pin", path=name))
            return ours

        processes = [self.process(lambda: pin(3001, CLIENTS_PER_USER))]
        processes.append(self.process(lambda: pin(3002, PINNED - CLIENTS_PER_USER)))
        for uid in range(3003, 3010):
            self.assertTrue(as_user(uid, self.is_served))
        # None of them has lost a pin for it.
        for uid in (3001, 3002):
            self.assertRaises(OSError, os.truncate, self.mount.path("pinned-by-%d" % uid), 0)
        for process in processes:
            process.kill()
        self.mount.wait_until(lambda: self.mount.call("GetStatistics")["clients"] == 1)

    def is_served(self):
        try:
            return "device" in self.mount.call("GetMount")
        except (ServiceError, EOFError, BrokenPipeError, ConnectionResetError):
            return False

    def test_many_calls_in_one_message_do_not_keep_files_waiting(self):
        for i in range(300):
            self.mount.make("n%d" % i)
        with self.mount.client() as client:
            ended = threading.Event()

            def take():
                while client.receive() is not None:
                    pass
                ended.set()

            thread = threading.Thread(target=take, daemon=True)
            thread.start()
            client.send(b'{"method":"org.shmfs.List","parameters":{"probe":true}}\0' * 1000)
            longest = 0
            for _ in range(100):
                began = time.monotonic()
                os.close(os.open(self.mount.path("n1"), os.O_RDONLY))
                longest = max(longest, time.monotonic() - began)
            client.socket.shutdown(socket.SHUT_WR)
            thread.join()
        print("an open took at most %.1f ms" % (longest * 1000))
        self.assertLess(longest, 0.5)

    def test_random_bytes(self):
        seed = random.randrange(1 << 32)
        print("test_random_bytes: seed %d" % seed)
        rng = random.Random(seed)
        words = [b'{"method":"org.shmfs.', b"List", b"Pin", b"Holders", b"Reap", b'"', b"}", b"{"]
        words += [b'"parameters":', b"\0", b",", b"null", b"1e9", b'"id":', b"-1", b"\xff", b"\\u"]
        for _ in range(300):
            data = b"".join(rng.choice(words) for _ in range(rng.randrange(1, 40)))
            with self.mount.client() as client:
                try:
                    client.send(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass
        self.works()
        self.assertEqual(self.mount.call("Verify")["violations"], 0)

    def make_deep_tree(self, depth, objects):
        """Directories in directories, each with a list of 500 users, below one that is closed."""
        entries = [(1, 7, 0xFFFFFFFF)] + [(2, 7, 5000 + i) for i in range(500)]
        entries += [(4, 7, 0xFFFFFFFF), (16, 7, 0xFFFFFFFF), (32, 5, 0xFFFFFFFF)]
        acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in entries)
        here = os.open(self.mount.dir, os.O_RDONLY)
        os.mkdir("closed", 0o700, dir_fd=here)
        for name in ["closed"] + ["d"] * depth:
            if name == "d":
                os.mkdir(name, 0o777, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
            if name == "closed":
                os.setxattr(here, "system.posix_acl_default", acl)
        for i in range(objects):
            os.close(os.open("o%d" % i, os.O_CREAT | os.O_RDWR, 0o600, dir_fd=here))
        os.close(here)

    def remove_deep_tree(self):
        subprocess.run(["rm", "-rf", self.mount.path("closed")], check=True)

    def processor_seconds(self):
        with open("/proc/%d/schedstat" % self.mount.server_pid()) as file:
            return int(file.read().split()[0]) / 1e9

    def test_lists_of_deep_directories_keep_nobody_waiting(self):

        def list_all():
            cursor, calls = 0, 0
            with self.mount.client() as client:
                while cursor is not None:
                    cursor = client.call("List", cursor=cursor).get("cursor")
                    calls += 1
            return calls

        self.make_deep_tree(1900, 70)
        try:
            before = self.processor_seconds()
            calls = as_user(STRANGER, list_all)
            each = (self.processor_seconds() - before) / calls
        finally:
            self.remove_deep_tree()
        print("%d pages of %.1f ms" % (calls, each * 1000))
        self.assertLess(each, 0.02)

    def requests(self):
        return self.mount.call("GetStatistics")["requests"]

    def test_reaping_in_a_row_costs_others_no_names_and_few_lines(self):
        """Names that the kernel remembers for others are not all asked for again each time."""
        victims = [self.mount.make("victim%d" % i) for i in range(10)]
        names = ["reaped%d" % i for i in range(300)]
        for name in names:
            self.mount.make(name, 0, OWNER)
        ids = {one["path"]: one["id"] for one in self.mount.objects()}
        before = self.mount.log_count("reaped object")
        asked, began = 0, time.monotonic()
        with self.mount.client() as client:
            for name in names:
                client.call("Reap", id=ids[name])
                count = self.requests()
                for victim in victims:
                    os.stat(victim)
                asked += self.requests() - count
                self.assertFalse(os.path.exists(self.mount.path(name)))
        seconds = time.monotonic() - began
        print("%d requests in %.1f s" % (asked, seconds))
        # Those of the directory, once for each; and all names once a second.
        self.assertLess(asked, 2 * len(names) + 2 * len(victims) * (2 + seconds))
        lines = self.mount.log_count("reaped object") - before
        self.assertGreater(lines, 0)
        self.assertLess(lines, 25 + 2 * seconds)

    def test_a_kill_in_the_midst_of_a_call(self):
        """Clients get an answer or the end of their connection, and files are served on."""
        ended = threading.Event()
        outcomes = {"answers": 0, "ends": 0}

        def ask():
            while not ended.is_set():
                try:
                    self.mount.call("Holders", all=True)
                    outcomes["answers"] += 1
                except (EOFError, ConnectionRefusedError, BrokenPipeError, ConnectionResetError):
                    outcomes["ends"] += 1

        self.mount.make("kept", 4096)
        asking = [threading.Thread(target=ask, daemon=True) for _ in range(3)]
        for thread in asking:
            thread.start()
        try:
            for _ in range(5):
                time.sleep(0.2)
                os.kill(self.mount.server_pid(), signal.SIGKILL)
                self.works()
        finally:
            ended.set()
        for thread in asking:
            thread.join()
        self.assertGreater(outcomes["answers"], 0)
        self.assertGreater(outcomes["ends"], 0)
        self.assertEqual(os.stat(self.mount.path("kept")).st_size, 4096)
        self.assertEqual(self.mount.call("Verify")["violations"], 0)
