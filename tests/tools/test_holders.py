# SPDX-License-Identifier: BSD-2-Clause
"""Who holds what: agreement with fuser and lsof, and what those do not see."""

import ctypes
import mmap
import os
import re
import signal
import subprocess

from mount import MountTest, map_and_close

CLONE_NEWNS = 0x20000


def open_it(path, flags):
    return lambda: os.open(path, flags)


def map_it(path, prot=mmap.PROT_READ | mmap.PROT_WRITE):
    def work():
        fd = os.open(path, os.O_RDWR)
        memory = mmap.mmap(fd, 4096, prot=prot)
        os.close(fd)
        return memory

    return work


class Holders(MountTest):
    def setUp(self):
        self.path = self.mount.make("a", 4096)
        # This process must not be one of them.
        self.assertEqual(self.holders(), {})

    def holders(self, **parameters):
        said = self.mount.call("Holders", **(parameters or {"path": "a"}))
        self.assertFalse(said["truncated"])
        return {item["pid"]: item["access"] for item in said["holders"]}

    def said_by(self, *command):
        said = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return {int(word) for word in said.stdout.split()}

    def test_open_files_agree_with_fuser_and_lsof(self):
        reader = self.process(open_it(self.path, os.O_RDONLY))
        writer = self.process(open_it(self.path, os.O_RDWR))
        self.assertEqual(self.holders(), {reader.pid: "f", writer.pid: "F"})
        self.assertEqual(self.said_by("fuser", self.path), set(self.holders()))
        # All of /proc would be waited for, where anybody has a filesystem that hangs.
        processes = "%d,%d,%d" % (reader.pid, writer.pid, os.getpid())
        self.assertEqual(
            self.said_by("lsof", "-t", "-a", "-p", processes, self.path), set(self.holders())
        )

    def test_a_mapping_whose_descriptor_is_closed(self):
        process = self.process(map_and_close(self.path))
        self.assertEqual(self.holders(), {process.pid: "m"})

    def test_open_and_mapped(self):
        process = self.process(map_it(self.path))
        self.assertEqual(self.holders(), {process.pid: "Fm"})

    def test_a_forked_child_holds_what_its_parent_had(self):
        reading, writing = os.pipe()

        def work():
            map_and_close(self.path)()
            child = os.fork()
            if child == 0:
                while True:
                    signal.pause()
            os.write(writing, b"%d\n" % child)

        parent = self.process(work)
        child = int(os.read(reading, 100))
        self.addCleanup(os.kill, child, 9)
        self.assertEqual(self.holders(), {parent.pid: "m", child: "m"})

    def test_a_process_in_another_mount_namespace(self):
        def work():
            fd = os.open(self.path, os.O_RDONLY)
            assert ctypes.CDLL(None).unshare(CLONE_NEWNS) == 0
            subprocess.run(["umount", "-l", self.mount.dir], check=True)
            return fd

        process = self.process(work)
        self.assertEqual(self.holders(), {process.pid: "f"})

    def test_a_pin_is_a_hold(self):
        def work():
            client = self.mount.client()
            client.call("Pin", path="a")
            return client

        process = self.process(work)
        self.assertEqual(self.holders(), {process.pid: "p"})

    def test_a_pin_whose_process_is_gone_is_of_no_other_with_its_number(self):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            client = self.mount.client()
            client.call("Pin", path="a")
            heir = os.fork()
            if heir == 0:
                os.close(reading)
                while True:
                    signal.pause()
            os.write(writing, b"%d\n" % heir)
            os._exit(0)
        heir = int(os.read(reading, 100))
        self.addCleanup(os.kill, heir, 9)
        os.close(reading)
        os.close(writing)
        os.waitpid(child, 0)
        (found,) = self.mount.call("Holders", path="a")["holders"]
        self.assertEqual((found["pid"], found["command"], found["access"]), (0, "", "p"))

    def test_a_name_that_is_gone_is_held_all_the_same(self):
        process = self.process(open_it(self.path, os.O_RDONLY))
        number = os.stat(self.path).st_ino
        os.unlink(self.path)
        self.assertEqual(self.holders(id=number), {process.pid: "f"})

    def test_sums_by_process(self):
        self.mount.make("b", 8192)
        both = self.process(
            lambda: [os.open(self.mount.path(name), os.O_RDONLY) for name in ("a", "b", "b")]
        )
        one = self.process(open_it(self.path, os.O_RDWR))
        said = self.mount.call("Holders", all=True)["holders"]
        found = {item["pid"]: (item["objects"], item["size"], item["access"]) for item in said}
        self.assertEqual(found, {both.pid: (2, 12288, "f"), one.pid: (1, 4096, "F")})

    def test_the_command_is_printable(self):
        def work():
            with open("/proc/self/comm", "wb") as comm:
                comm.write(b"\x1b[31m\xff\n")
            return os.open(self.path, os.O_RDONLY)

        process = self.process(work)
        (found,) = self.mount.call("Holders", path="a")["holders"]
        self.assertEqual(found["pid"], process.pid)
        self.assertRegex(found["command"], re.compile(r"^[ -~]*$"))

    def test_each_of_many_who_ask_at_a_time_is_answered(self):
        holder = self.process(open_it(self.path, os.O_RDONLY))
        clients = [self.mount.client() for _ in range(6)]
        message = b'{"method":"org.shmfs.Holders","parameters":{"all":true}}\0'
        for client in clients:
            client.send(message)
        # Some lose interest: while their look is under way, and before its turn.
        for client in clients[::3]:
            client.socket.close()
        for client in clients:
            if client.socket.fileno() < 0:
                continue
            found = client.receive()["parameters"]["holders"]
            self.assertEqual([item["pid"] for item in found], [holder.pid])
            client.socket.close()
        self.assertEqual(self.holders(), {holder.pid: "f"})

    def test_a_server_ends_with_some_who_ask(self):
        clients = [self.mount.client() for _ in range(6)]
        for client in clients:
            client.send(b'{"method":"org.shmfs.Holders","parameters":{"all":true}}\0')
        server = self.mount.server_pid()
        self.mount.daemon.send_signal(signal.SIGHUP)
        self.mount.wait_until(lambda: self.mount.has_other_server(server))
        for client in clients:
            client.socket.close()
