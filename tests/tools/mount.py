# SPDX-License-Identifier: BSD-2-Clause
"""A live mount for a test, calls over its control socket, and processes of other users."""

import array
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

BIN = os.environ.get("SHMFS_BIN", "build-test/gcc/shmfs")
CTL = os.environ.get("SHMFSCTL_BIN", "build-test/gcc/shmfsctl")
IO = os.environ.get("SHMFS_TEST_IO", "auto")
HUGE = os.environ.get("SHMFS_TEST_HUGE", "")

OWNER, STRANGER = 1001, 1002


class ServiceError(Exception):
    """An error that the server answers with."""

    def __init__(self, reply):
        self.name = reply["error"].rsplit(".", 1)[1]
        self.parameters = reply.get("parameters") or {}
        super().__init__("%s %s" % (self.name, self.parameters))


class Client:
    """One connection."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        # Without a time limit: a full backlog would be an error then.
        self.socket.connect(path)
        self.socket.settimeout(20)
        self.fds = []
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        for fd in self.fds:
            os.close(fd)

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """One message, or None at the end of the connection."""
        while b"\0" not in self.rest:
            try:
                data, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(4))
            except ConnectionResetError:
                return None
            for level, kind, value in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds = array.array("i")
                    fds.frombytes(value)
                    self.fds.extend(fds)
            if not data:
                return None
            self.rest += data
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        if "." not in method:
            method = "org.shmfs." + method
        self.send(json.dumps({"method": method, "parameters": parameters}).encode() + b"\0")
        reply = self.receive()
        if reply is None:
            raise EOFError("the connection was closed")
        if "error" in reply:
            raise ServiceError(reply)
        return reply["parameters"]


class Mount:
    """A daemon in the foreground on a directory of its own."""

    def __init__(
        self,
        options="",
        pass_fds=(),
        no_standard=False,
        environment=None,
        verbose=False,
        under=(),
        program=BIN,
    ):
        self.base = tempfile.mkdtemp(prefix="shmfs-tools.")
        os.chmod(self.base, 0o755)
        self.dir = os.path.join(self.base, "m")
        os.mkdir(self.dir)
        self.log = open(os.path.join(self.base, "log"), "w+")
        options = "io=" + IO + (",huge=" + HUGE if HUGE else "") + ("," + options if options else "")
        command = [*under, os.path.abspath(program), "-d" if verbose else "-f", "-o", options, self.dir]
        if no_standard:
            command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"] + command
        self.daemon = subprocess.Popen(
            command,
            stderr=self.log,
            stdin=subprocess.DEVNULL,
            pass_fds=pass_fds,
            env=dict(os.environ, **(environment or {})),
        )
        self.wait_until(
            lambda: os.path.ismount(self.dir) and (no_standard or self.log_text("mounted on"))
        )
        device = os.stat(self.dir).st_dev
        self.socket = "/run/shmfs/%d:%d" % (os.major(device), os.minor(device))

    def log_count(self, text):
        with open(self.log.name) as log:
            return log.read().count(text)

    def log_text(self, text):
        return self.log_count(text) > 0

    def wait_until(self, condition, seconds=10):
        end = time.monotonic() + seconds
        while not condition():
            if self.daemon.poll() is not None:
                raise AssertionError("the daemon ended: " + open(self.log.name).read())
            if time.monotonic() > end:
                raise AssertionError("it did not come to pass: " + open(self.log.name).read())
            time.sleep(0.01)

    def stop(self):
        self.daemon.terminate()
        status = self.daemon.wait(20)
        text = open(self.log.name).read()
        self.log.close()
        shutil.rmtree(self.base)
        if status != 0 or os.path.exists(self.socket):
            raise AssertionError("the daemon ended badly (status %d): %s" % (status, text))

    def path(self, name):
        return os.path.join(self.dir, name)

    def make(self, name, size=0, uid=0, mode=0o644):
        fd = os.open(self.path(name), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        os.fchmod(fd, mode)
        os.ftruncate(fd, size)
        if uid:
            os.fchown(fd, uid, uid)
        os.close(fd)
        return self.path(name)

    def client(self):
        return Client(self.socket)

    def call(self, method, **parameters):
        with self.client() as client:
            return client.call(method, **parameters)

    def call_as(self, user, method, **parameters):
        return as_user(user, lambda: self.call(method, **parameters))

    def objects(self, **parameters):
        """All pages of List."""
        found, cursor = [], 0
        with self.client() as client:
            while cursor is not None:
                page = client.call("List", cursor=cursor, **parameters)
                found += page["objects"]
                cursor = page.get("cursor")
        return found

    def server_pid(self):
        return self.call("GetMount")["server"]

    def children(self):
        """Pids by name, once all have theirs."""
        names = {"shmfs-keeper", "shmfs-server", "shmfs-parsers", "shmfs-holders"}
        found = {}

        def all_are_found():
            found.clear()
            found.update(living_children(self.daemon.pid))
            return names <= set(found)

        self.wait_until(all_are_found)
        return found

    def has_other_server(self, pid):
        try:
            return self.server_pid() != pid
        except (EOFError, ConnectionResetError, BrokenPipeError):
            return False


def name_and_state(pid):
    """As proc(5) has them; "X" for a process that is gone."""
    try:
        with open("/proc/%d/stat" % pid) as stat:
            name, rest = stat.read().split("(", 1)[1].rsplit(")", 1)
    except (FileNotFoundError, ProcessLookupError):
        return "", "X"
    return name, rest.split()[0]


def is_there(pid):
    return name_and_state(pid)[1] not in "ZX"


def children_of(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
            return [int(child) for child in children.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def living_children(pid):
    """Those that have not ended: pairs of a name and a pid."""
    told = ((*name_and_state(child), child) for child in children_of(pid))
    return [(name, child) for name, state, child in told if state not in "ZX"]


def within(seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not within %d seconds" % seconds
        time.sleep(0.01)


def errno_of(call, *arguments, seconds=1):
    """0: it has succeeded; None: it hangs, in a thread that may do so for ever."""
    found = [None]

    def work():
        try:
            call(*arguments)
            found[0] = 0
        except OSError as error:
            found[0] = error.errno

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0]


def as_user(uid, work):
    """The result of work() in a process of another user; its ServiceError or OSError here too."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            result = {"value": work()}
        except ServiceError as error:
            result = {"error": "org.shmfs." + error.name, "parameters": error.parameters}
        except OSError as error:
            result = {"errno": error.errno}
        os.write(writing, json.dumps(result).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        result = json.loads(answer.read() or "{}")
    os.waitpid(pid, 0)
    if "error" in result:
        raise ServiceError(result)
    if "errno" in result:
        raise OSError(result["errno"], os.strerror(result["errno"]))
    return result["value"]


def map_and_close(path):
    """mmap.mmap() keeps a duplicate of the descriptor; this does not."""

    def work():
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        fd = os.open(path, os.O_RDWR)
        address = libc.mmap(None, ctypes.c_size_t(4096), 3, 1, fd, ctypes.c_long(0))
        assert address not in (None, ctypes.c_void_p(-1).value)
        os.close(fd)
        return address

    return work


class Process:
    """A child that does some work, says that it is done, and waits to be killed."""

    def __init__(self, work):
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.kept = work()
                os.write(writing, b"1")
                while True:
                    signal.pause()
            finally:
                os._exit(1)
        os.close(writing)
        said = os.read(reading, 1)
        os.close(reading)
        if said != b"1":
            raise AssertionError("a child failed")

    def kill(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0


class MountTest(unittest.TestCase):
    """Tests that share one mount, which they leave empty."""

    OPTIONS = ""

    @classmethod
    def setUpClass(cls):
        cls.mount = Mount(cls.OPTIONS)

    @classmethod
    def tearDownClass(cls):
        cls.mount.stop()

    def tearDown(self):
        for root, dirs, files in os.walk(os.fsencode(self.mount.dir), topdown=False):
            for path in (os.path.join(root, name) for name in files + dirs):
                if os.path.isdir(path) and not os.path.islink(path):
                    os.rmdir(path)
                else:
                    os.unlink(path)

    def fails(self, name, work):
        with self.assertRaises(ServiceError) as caught:
            work()
        self.assertEqual(caught.exception.name, name)
        return caught.exception.parameters

    def fails_with(self, number, work):
        self.assertEqual(self.fails("SystemError", work)["errno"], number)

    def process(self, work):
        process = Process(work)
        self.addCleanup(process.kill)
        return process
