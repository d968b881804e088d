# SPDX-License-Identifier: BSD-2-Clause
"""The control socket: who is told what, who may change what."""

import errno
import mmap
import os
import signal
import socket
import subprocess
import time

from mount import OWNER, STRANGER, MountTest, as_user


class Service(MountTest):
    def test_service_is_described(self):
        info = self.mount.call("org.varlink.service.GetInfo")
        self.assertEqual(info["interfaces"], ["org.varlink.service", "org.shmfs"])
        for name in info["interfaces"]:
            text = self.mount.call("org.varlink.service.GetInterfaceDescription", interface=name)
            self.assertIn("interface " + name, text["description"])
        with open("daemon/control/org.shmfs.varlink") as file:
            self.assertEqual(text["description"], file.read())

    def test_unknown_interfaces_and_methods(self):
        call = self.mount.call
        self.fails(
            "InterfaceNotFound",
            lambda: call("org.varlink.service.GetInterfaceDescription", interface="a.b"),
        )
        self.fails("MethodNotFound", lambda: call("Nothing"))
        self.fails("InvalidParameter", lambda: call("List", cursor=-1))
        self.fails("InvalidParameter", lambda: call("List", cursor="1"))
        self.fails("InvalidParameter", lambda: call("List", unlinked=1))

    def test_calls_in_a_row_are_answered_in_order(self):
        with self.mount.client() as client:
            client.send(b'{"method":"org.shmfs.GetLimits"}\0{"method":"org.shmfs.ListUsers"}\0')
            self.assertIn("mount", client.receive()["parameters"])
            self.assertIn("users", client.receive()["parameters"])

    def test_the_mount_tells_what_memory_is_of(self):
        memory = self.mount.call("GetMount")["memory"]
        self.assertRegex(memory, "^(tmpfs,huge=(advise|never|within_size|always)|memfd)$")
        self.assertTrue(self.mount.log_text("memory=%s" % memory))

    def test_oneway_calls_have_no_answer(self):
        with self.mount.client() as client:
            client.send(b'{"method":"org.shmfs.GetLimits","oneway":true}\0')
            self.assertIn("device", client.call("GetMount"))

    def test_a_client_may_end_its_half_after_the_call(self):
        with self.mount.client() as client:
            client.send(b'{"method":"org.shmfs.GetLimits"}\0')
            client.socket.shutdown(socket.SHUT_WR)
            self.assertIn("mount", client.receive()["parameters"])
            self.assertIsNone(client.receive())


class Listing(MountTest):
    # Pages are counted.
    OPTIONS = "huge=never"

    def test_objects_have_what_stat_says_and_more(self):
        before = time.monotonic()
        path = self.mount.make("a", 10000, OWNER, 0o640)
        fd = os.open(path, os.O_RDWR)
        time.sleep(1.1)
        os.pwrite(fd, b"x", 0)
        os.setxattr(path, "user.shmfs.seals", b"grow")
        (found,) = self.mount.objects(probe=True)
        status = os.stat(path)
        self.assertEqual(found["path"], "a")
        for name in ("size", "uid", "gid", "mode", "nlink"):
            self.assertEqual(found[name], getattr(status, "st_" + name), name)
        self.assertEqual(found["id"], status.st_ino)
        self.assertEqual(found["mtime"], status.st_mtime_ns)
        self.assertEqual(found["resident"], 4096)
        self.assertEqual(found["charged"], 12288)
        self.assertEqual(found["creator"], 0)
        self.assertEqual((found["opens"], found["writers"], found["pins"]), (1, 1, 0))
        self.assertEqual((found["seals"], found["lifetime"]), ("grow", "names"))
        self.assertTrue(found["held"])
        self.assertGreaterEqual(found["age"], 1)
        self.assertLessEqual(found["age"], time.monotonic() - before)
        os.close(fd)

    def test_names_are_any_bytes(self):
        names = [bytes([a]) + b"n" for a in range(1, 256) if a != ord("/")]
        names += [b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"\xc0\xaf", b'"\\\n', b"a" * 255]
        for name in names:
            os.close(os.open(os.fsencode(self.mount.dir) + b"/" + name, os.O_CREAT))
        found = []
        for item in self.mount.objects():
            if "path" in item:
                found.append(item["path"].encode())
            else:
                found.append(bytes.fromhex(item["path_hex"]))
                with self.assertRaises(UnicodeDecodeError):
                    found[-1].decode()
        self.assertEqual(sorted(found), sorted(names))

    def test_pages_have_every_object_once(self):
        os.mkdir(self.mount.path("d" * 200))
        for i in range(500):
            self.mount.make("d" * 200 + "/%d" % i)
        first = self.mount.call("List")
        self.assertLess(len(first["objects"]), 500)
        self.assertIn("cursor", first)
        found = sorted(item["path"] for item in self.mount.objects())
        self.assertEqual(found, sorted("d" * 200 + "/%d" % i for i in range(500)))

    def test_unlinked_objects_are_listed_if_asked_for(self):
        path = self.mount.make("a", 4096)
        fd = os.open(path, os.O_RDWR)
        os.unlink(path)
        self.assertEqual(self.mount.objects(), [])
        (found,) = self.mount.objects(unlinked=True)
        self.assertEqual(found["nlink"], 0)
        self.assertNotIn("path", found)
        os.close(fd)

    def test_a_mapping_alone_holds_an_object(self):
        path = self.mount.make("a", 4096)
        fd = os.open(path, os.O_RDWR)
        memory = mmap.mmap(fd, 4096)
        os.close(fd)
        (found,) = self.mount.objects(probe=True)
        self.assertTrue(found["held"])
        memory.close()
        self.mount.wait_until(lambda: not self.mount.objects(probe=True)[0]["held"])

    def test_a_stranger_sees_what_he_could_stat(self):
        os.mkdir(self.mount.path("closed"), 0o700)
        os.chown(self.mount.path("closed"), OWNER, OWNER)
        self.mount.make("closed/secret", 4096, OWNER)
        self.mount.make("open", 4096, OWNER, 0o600)
        for uid, seen in ((0, 2), (OWNER, 2), (STRANGER, 1)):
            found = self.mount.call_as(uid, "List")["objects"]
            self.assertEqual(len(found), seen, uid)
        number = os.stat(self.mount.path("closed/secret")).st_ino
        self.fails_with(
            errno.ENOENT, lambda: self.mount.call_as(STRANGER, "Holders", id=number)
        )
        self.fails_with(
            errno.EACCES, lambda: self.mount.call_as(STRANGER, "Holders", path="closed/secret")
        )
        self.mount.call_as(OWNER, "Holders", id=number)

    def test_supplementary_groups_count(self):
        os.mkdir(self.mount.path("group"), 0o750)
        os.chown(self.mount.path("group"), 0, 4321)
        self.mount.make("group/a")
        program = (
            "import os, sys; sys.path.insert(0, 'tests/tools'); import mount\n"
            "os.setgroups([4321]); os.setgid(1002); os.setuid(1002)\n"
            "print(len(mount.Client(%r).call('List')['objects']))" % self.mount.socket
        )
        said = subprocess.run(["python3", "-c", program], capture_output=True, text=True)
        self.assertEqual(said.stdout, "1\n", said.stderr)
        self.assertEqual(self.mount.call_as(STRANGER, "List")["objects"], [])

    def test_users_see_themselves_and_root_sees_all(self):
        as_user(OWNER, lambda: self.mount.make("a", 4096) and None)
        as_user(STRANGER, lambda: self.mount.make("b", 8192) and None)
        uids = {user["uid"]: user for user in self.mount.call("ListUsers")["users"]}
        self.assertEqual(uids[OWNER]["size"], 4096)
        self.assertEqual(uids[STRANGER]["size"], 8192)
        (seen,) = self.mount.call_as(OWNER, "ListUsers")["users"]
        self.assertEqual(seen["uid"], OWNER)


class Limits(MountTest):
    OPTIONS = "size=1m,nr_inodes=100,user_size=64k"

    def set_limits(self, **parameters):
        self.mount.call("SetLimits", **parameters)

    def grow(self, uid, size):
        def work():
            fd = os.open(self.mount.path("of-%d" % uid), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.ftruncate(fd, size)
            finally:
                os.close(fd)

        try:
            as_user(uid, work)
        except OSError as error:
            return error.errno
        return 0

    def tearDown(self):
        super().tearDown()
        self.set_limits(scope="mount", size=1 << 20, inodes=100)
        self.set_limits(scope="users", size=65536, inodes=0)

    def test_limits_are_shown(self):
        limits = self.mount.call_as(STRANGER, "GetLimits")
        self.assertEqual(limits["mount"], {"size": 1 << 20, "inodes": 100})
        self.assertEqual(limits["users"], {"size": 65536, "inodes": 0})

    def test_limits_change_at_once(self):
        self.assertEqual(self.grow(OWNER, 65537), errno.EDQUOT)
        self.set_limits(scope="users", size=70000)
        self.assertEqual(self.grow(OWNER, 65537), 0)
        self.set_limits(scope="user", uid=OWNER, size=65536)
        self.assertEqual(self.grow(OWNER, 80000), errno.EDQUOT)
        self.assertEqual(self.grow(STRANGER, 70000), 0)
        self.set_limits(scope="user", uid=OWNER, inherit=True)
        self.assertEqual(self.grow(OWNER, 70000), 0)
        self.set_limits(scope="mount", size=100000)
        self.assertEqual(self.grow(0, 70000), errno.ENOSPC)
        self.assertEqual(os.statvfs(self.mount.dir).f_blocks, 25)
        self.set_limits(scope="mount", size=0)
        self.assertEqual(self.grow(0, 10 << 20), 0)

    def test_only_root_changes_them(self):
        for scope in ({"scope": "mount"}, {"scope": "user", "uid": OWNER}):
            self.fails(
                "PermissionDenied",
                lambda: self.mount.call_as(OWNER, "SetLimits", size=1 << 40, **scope),
            )

    def test_bad_limits_are_refused(self):
        for bad in (
            {},
            {"scope": "all"},
            {"scope": "user"},
            {"scope": "mount", "uid": 5},
            {"scope": "mount", "inherit": True},
            {"scope": "users", "size": -1},
            {"scope": "users", "size": "1k"},
            {"scope": "users", "size": 1.5},
            {"scope": "user", "uid": 1 << 32},
        ):
            self.fails("InvalidParameter", lambda: self.set_limits(**bad))
        self.fails_with(errno.EINVAL, lambda: self.set_limits(scope="user", uid=0, size=1))
        self.fails_with(
            errno.ENOENT, lambda: self.set_limits(scope="user", uid=77, inherit=True)
        )

    def test_refusals_are_counted(self):
        before = self.mount.call("GetStatistics")
        self.assertEqual(self.grow(OWNER, 1 << 17), errno.EDQUOT)
        after = self.mount.call("GetStatistics")
        self.assertEqual(after["refused_user_size"], before["refused_user_size"] + 1)
        self.assertGreater(after["requests"], before["requests"])


class Pins(MountTest):
    def setUp(self):
        self.path = self.mount.make("a", 8192, OWNER, 0o600)

    def resize(self, size):
        os.truncate(self.path, size)

    def refuses_to_shrink(self):
        with self.assertRaises(OSError) as caught:
            self.resize(100)
        self.assertEqual(caught.exception.errno, errno.EBUSY)
        with self.assertRaises(OSError) as caught:
            os.open(self.path, os.O_RDWR | os.O_TRUNC)
        self.assertEqual(caught.exception.errno, errno.EBUSY)

    def test_the_consumer_reads_what_the_program_stores(self):
        with self.mount.client() as client:
            client.call("Pin", path="a", offset=4096)
            (fd,) = client.fds
            memory = mmap.mmap(fd, 8192, prot=mmap.PROT_READ)
            with open(self.path, "r+b") as file:
                program = mmap.mmap(file.fileno(), 8192)
            program[5000:5005] = b"hello"
            if self.mount.call("GetMount")["io"] == "passthrough":
                self.assertEqual(memory[5000:5005], b"hello")
            program.flush()
            self.assertEqual(os.pread(fd, 5, 5000), b"hello")
            self.refuses_to_shrink()
            with self.assertRaises(OSError):
                os.ftruncate(fd, 1)
            self.resize(10000)
            program.close()
            memory.close()

    def test_a_pin_ends_with_its_connection(self):
        with self.mount.client() as client:
            client.call("Pin", path="a")
            self.assertEqual(self.mount.objects()[0]["pins"], 1)
            self.refuses_to_shrink()
        self.mount.wait_until(lambda: self.mount.objects()[0]["pins"] == 0)
        self.resize(100)

    def test_a_pin_ends_when_the_consumer_is_killed(self):
        def consume():
            client = self.mount.client()
            client.call("Pin", path="a")
            return client

        process = self.process(consume)
        self.refuses_to_shrink()
        process.kill()
        self.mount.wait_until(lambda: self.mount.objects()[0]["pins"] == 0)
        self.resize(100)

    def test_a_pin_ends_when_it_is_given_back(self):
        with self.mount.client() as client:
            pin = client.call("Pin", path="a")["pin"]
            self.fails("InvalidParameter", lambda: self.mount.call("Unpin", pin=pin))
            client.call("Unpin", pin=pin)
            self.resize(100)
            self.fails("InvalidParameter", lambda: client.call("Unpin", pin=pin))

    def test_a_connection_has_sixteen_pins(self):
        with self.mount.client() as client:
            for _ in range(16):
                client.call("Pin", path="a")
            self.fails_with(errno.EMFILE, lambda: client.call("Pin", path="a"))

    def test_the_owner_reads_and_root_writes(self):
        self.mount.call_as(OWNER, "Pin", path="a")
        self.fails(
            "PermissionDenied", lambda: self.mount.call_as(OWNER, "Pin", path="a", write=True)
        )
        self.fails("PermissionDenied", lambda: self.mount.call_as(STRANGER, "Pin", path="a"))
        with self.mount.client() as client:
            client.call("Pin", path="a", write=True)
            os.pwrite(client.fds[0], b"root", 0)
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(4), b"root")

    def test_an_owner_cannot_open_the_memory_again_for_writing(self):
        def work():
            with self.mount.client() as client:
                client.call("Pin", path="a")
                os.open("/proc/self/fd/%d" % client.fds[0], os.O_RDWR)

        with self.assertRaises(OSError) as caught:
            as_user(OWNER, work)
        self.assertEqual(caught.exception.errno, errno.EACCES)

    def test_what_lies_outside_is_not_pinned(self):
        for part in ({"offset": 8192}, {"offset": 0, "length": 8193}, {"length": 0}):
            self.fails_with(errno.EINVAL, lambda: self.mount.call("Pin", path="a", **part))

    def test_memory_that_was_passed_is_charged_until_it_is_let_go(self):
        with self.mount.client() as client:
            client.call("Pin", path="a")
            fd = os.dup(client.fds[0])
        os.unlink(self.path)
        time.sleep(0.2)
        self.assertEqual(self.mount.call("GetStatistics")["size"], 8192)
        os.close(fd)
        self.mount.wait_until(lambda: self.mount.call("GetStatistics")["size"] == 0)

    def kill_server(self):
        before = self.mount.server_pid()
        os.kill(before, signal.SIGKILL)
        self.mount.wait_until(lambda: self.mount.has_other_server(before))

    def test_a_pin_outlives_the_server(self):
        with self.mount.client() as client, self.mount.client() as other:
            pin = client.call("Pin", path="a")["pin"]
            second = client.call("Pin", path="a")["pin"]
            other.call("Pin", path="a")
            for _ in range(20):
                self.kill_server()
                self.refuses_to_shrink()
            self.assertEqual(self.mount.objects()[0]["pins"], 3)
            holders = self.mount.call("Holders", path="a")["holders"]
            self.assertEqual([h["pid"] for h in holders if "p" in h["access"]], [os.getpid()])
            self.fails("InvalidParameter", lambda: other.call("Unpin", pin=pin))
            client.call("Unpin", pin=pin)
            client.call("Unpin", pin=second)
            other.socket.close()
            self.mount.wait_until(lambda: self.mount.objects()[0]["pins"] == 0)
            self.resize(100)

    def test_a_pin_that_outlived_a_server_ends_with_its_connection(self):
        with self.mount.client() as client:
            client.call("Pin", path="a")
            self.kill_server()
            self.refuses_to_shrink()
        self.mount.wait_until(lambda: self.mount.objects()[0]["pins"] == 0)
        self.resize(100)

    def test_a_connection_that_ends_while_there_is_no_server_takes_its_pins_along(self):
        with self.mount.client() as client:
            client.call("Pin", path="a")
            server = self.mount.server_pid()
            self.mount.daemon.send_signal(signal.SIGSTOP)
            os.kill(server, signal.SIGKILL)
        self.mount.daemon.send_signal(signal.SIGCONT)
        self.mount.wait_until(lambda: self.mount.objects()[0]["pins"] == 0)
        self.resize(100)

    def test_an_upgrade_keeps_pins(self):
        with self.mount.client() as client:
            pin = client.call("Pin", path="a")["pin"]
            for _ in range(3):
                before = self.mount.server_pid()
                self.mount.daemon.send_signal(signal.SIGHUP)
                self.mount.wait_until(lambda: self.mount.has_other_server(before))
                self.refuses_to_shrink()
            client.call("Unpin", pin=pin)
            self.resize(100)

    # What was said in part, nobody can go on with.
    def test_a_call_under_way_ends_the_connection_with_its_server(self):
        with self.mount.client() as client:
            client.call("Pin", path="a")
            client.socket.sendall(b'{"method"')
            time.sleep(0.2)
            os.kill(self.mount.server_pid(), signal.SIGKILL)
            self.assertIsNone(client.receive())
            self.mount.wait_until(lambda: self.mount.objects()[0]["pins"] == 0)
            self.resize(100)


class Reaping(MountTest):
    def test_what_nobody_holds_goes(self):
        path = self.mount.make("a", 4096)
        os.link(path, self.mount.path("b"))
        number = os.stat(path).st_ino
        said = self.mount.call("Reap", id=number)
        self.assertEqual((said["names"], said["size"]), (2, 4096))
        self.assertEqual(os.listdir(self.mount.dir), [])
        self.assertFalse(os.path.exists(path))
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        self.fails_with(errno.ENOENT, lambda: self.mount.call("Reap", id=number))

    def test_what_somebody_holds_stays(self):
        path = self.mount.make("a", 4096)
        number = os.stat(path).st_ino
        fd = os.open(path, os.O_RDWR)
        self.fails_with(errno.EBUSY, lambda: self.mount.call("Reap", id=number))
        memory = mmap.mmap(fd, 4096)
        os.close(fd)
        self.fails_with(errno.EBUSY, lambda: self.mount.call("Reap", id=number))
        memory.close()

    def test_an_owner_reaps_what_he_could_remove(self):
        os.mkdir(self.mount.path("closed"), 0o755)
        mine = os.stat(self.mount.make("mine", 0, OWNER)).st_ino
        locked = os.stat(self.mount.make("closed/mine", 0, OWNER)).st_ino
        other = os.stat(self.mount.make("other", 0, STRANGER)).st_ino
        self.mount.call_as(OWNER, "Reap", id=mine)
        for number in (locked, other):
            self.fails("PermissionDenied", lambda: self.mount.call_as(OWNER, "Reap", id=number))


    def test_a_name_where_its_owner_could_not_remove_it_stays(self):
        os.mkdir(self.mount.path("roots"), 0o755)
        path = self.mount.make("linked", 0, OWNER)
        number = os.stat(path).st_ino
        os.link(path, self.mount.path("roots/link"))
        self.assertEqual(self.mount.call_as(OWNER, "Reap", id=number)["names"], 1)
        self.assertFalse(os.path.exists(path))
        self.fails("PermissionDenied", lambda: self.mount.call_as(OWNER, "Reap", id=number))
        self.assertEqual(os.stat(self.mount.path("roots/link")).st_ino, number)

    def test_names_in_a_directory_that_one_may_search_and_not_read_are_not_listed(self):
        os.mkdir(self.mount.path("dropbox"))
        os.chmod(self.mount.path("dropbox"), 0o733)
        self.mount.make("dropbox/letter", 0, OWNER)
        number = os.stat(self.mount.path("dropbox/letter")).st_ino

        def listed(user):
            objects = self.mount.call_as(user, "List")["objects"]
            return [item.get("path") for item in objects if item["id"] == number]

        self.assertEqual(listed(0), ["dropbox/letter"])
        self.assertEqual(listed(OWNER), [None])
        self.assertEqual(listed(STRANGER), [])
        self.fails_with(errno.ENOENT, lambda: self.mount.call_as(STRANGER, "Holders", id=number))
        self.mount.call_as(STRANGER, "Holders", path="dropbox/letter")


class Surviving(MountTest):
    def test_a_socket_outlives_its_server(self):
        self.mount.make("a", 5000)
        for _ in range(3):
            pid = self.mount.server_pid()
            os.kill(pid, signal.SIGKILL)
            self.assertNotEqual(self.mount.server_pid(), pid)
            self.assertEqual(self.mount.objects()[0]["size"], 5000)

    def test_a_socket_outlives_a_step_into_another_program(self):
        self.mount.make("a", 5000)
        pid = self.mount.server_pid()
        self.mount.daemon.send_signal(signal.SIGHUP)
        self.mount.wait_until(lambda: self.mount.has_other_server(pid))
        self.assertEqual(self.mount.objects()[0]["size"], 5000)


class Checking(MountTest):
    def test_verify_is_for_root(self):
        self.mount.make("a", 4096)
        self.assertEqual(self.mount.call("Verify"), {"violations": 0, "lines": []})
        self.fails("PermissionDenied", lambda: self.mount.call_as(STRANGER, "Verify"))
