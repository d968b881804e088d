# SPDX-License-Identifier: BSD-2-Clause
"""A sound server and its client that meet in /dev/shm the way JACK's do.

jack_like.py serve SERVER_DIR    serves one client for CYCLES cycles, then cleans up nothing
jack_like.py play SERVER_DIR     is that client
jack_like.py connect SERVER_DIR  prints what a connection to the server's socket comes to

In SERVER_DIR (jack-UID/SERVER) lie the sockets and FIFOs; beside jack-UID lie the registry and the
buffers, as shared memory objects. A cycle: the server fills a buffer and writes a byte into the client's
FIFO, the client doubles every sample and passes the byte on into the last FIFO, where the server waits.
"""

import array
import errno
import mmap
import os
import select
import signal
import socket
import struct
import sys

CYCLES = 300
FRAMES = 4096
BUFFER = FRAMES * 4
REGISTRY = struct.Struct("16s i i 32s")


def shm_path(directory, name):
    return os.path.join(directory, "..", "..", name)


def create_object(path, size):
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.ftruncate(fd, size)
    return fd


def map_object(fd):
    shared = mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    os.close(fd)
    return shared


def expect(what, wanted, got):
    if wanted != got:
        sys.exit(f"{what}: expected {wanted!r}, got {got!r}")


def samples(cycle):
    return array.array("f", (float((cycle * 31 + frame) % 1000) for frame in range(FRAMES)))


def listen(path, kind):
    server = socket.socket(socket.AF_UNIX, kind)
    server.bind(path)
    server.listen()
    return server


def run_cycles(buffer, wake_client, wait_for_client):
    for cycle in range(CYCLES):
        sent = samples(cycle)
        buffer[:BUFFER] = sent.tobytes()
        os.write(wake_client, b"w")
        expect(f"end of cycle {cycle}", b"w", os.read(wait_for_client, 1))
        wanted = array.array("f", (2 * sample for sample in sent))
        if buffer[:BUFFER] != wanted.tobytes():
            sys.exit(f"cycle {cycle}: the client did not double the samples")


def expect_hang_up(what, fd):
    poll = select.poll()
    poll.register(fd, 0)
    events = poll.poll(10000)
    if not events or not events[0][1] & select.POLLHUP:
        sys.exit(f"{what}: nothing tells of the client's end: {events}")


def serve(directory):
    uid = os.getuid()
    os.mkdir(os.path.dirname(directory), 0o700)
    os.mkdir(directory, 0o700)
    registry = map_object(create_object(shm_path(directory, "jack-shm-registry"), 4096))
    name = f"jack-{uid}-0"
    registry[: REGISTRY.size] = REGISTRY.pack(b"jackd", os.getpid(), BUFFER, name.encode())
    buffer = map_object(create_object(shm_path(directory, name), BUFFER))
    requests = listen(os.path.join(directory, "jack_0"), socket.SOCK_STREAM)
    events = listen(os.path.join(directory, "jack_ack_0"), socket.SOCK_SEQPACKET)
    fifos = [os.path.join(directory, f"jack-ack-fifo-{os.getpid()}-{i}") for i in range(2)]
    for fifo in fifos:
        os.mkfifo(fifo, 0o666)
    print("ready", flush=True)

    client, _ = requests.accept()
    expect("request", b"activate", client.recv(8, socket.MSG_WAITALL))
    pid, peer_uid, _ = struct.unpack(
        "3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    )
    expect("user of the client", uid, peer_uid)
    client.sendall("\n".join(fifos).encode().ljust(512, b"\0"))
    channel, _ = events.accept()
    wake_client = os.open(fifos[0], os.O_WRONLY)
    wait_for_client = os.open(fifos[1], os.O_RDONLY)
    run_cycles(buffer, wake_client, wait_for_client)
    expect("cycles that the client counted", pid, REGISTRY.unpack_from(registry)[1])

    # The client waits for another cycle and will be killed there.
    channel.send(b"last event")
    expect("answer to the event", b"ack", channel.recv(100))
    os.kill(pid, signal.SIGKILL)
    expect_hang_up("FIFO", wait_for_client)
    expect_hang_up("stream socket", client.fileno())
    expect_hang_up("packet socket", channel.fileno())
    expect("stream socket of a dead client", b"", client.recv(1))
    expect("packet socket of a dead client", b"", channel.recv(1))
    expect("FIFO of a dead client", b"", os.read(wait_for_client, 1))
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        os.write(wake_client, b"w")
        sys.exit("a FIFO without a reader took a byte")
    except BrokenPipeError:
        print(f"served {CYCLES} cycles")


def play(directory):
    requests = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    requests.connect(os.path.join(directory, "jack_0"))
    registry = map_object(os.open(shm_path(directory, "jack-shm-registry"), os.O_RDWR))
    magic, _, size, name = REGISTRY.unpack_from(registry)
    expect("registry", (b"jackd", BUFFER), (magic.rstrip(b"\0"), size))
    buffer = map_object(os.open(shm_path(directory, name.rstrip(b"\0").decode()), os.O_RDWR))
    requests.sendall(b"activate")
    paths = requests.recv(512, socket.MSG_WAITALL).rstrip(b"\0").decode().split("\n")
    events = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    events.connect(os.path.join(directory, "jack_ack_0"))
    wait_for_server = os.open(paths[0], os.O_RDONLY)
    wake_server = os.open(paths[1], os.O_WRONLY)
    for cycle in range(CYCLES):
        expect(f"start of cycle {cycle}", b"w", os.read(wait_for_server, 1))
        played = array.array("f", buffer[:BUFFER])
        buffer[:BUFFER] = array.array("f", (2 * sample for sample in played)).tobytes()
        if cycle == CYCLES - 1:
            registry[: REGISTRY.size] = REGISTRY.pack(magic, os.getpid(), size, name)
        os.write(wake_server, b"w")
    expect("event", b"last event", events.recv(100))
    events.send(b"ack")
    os.read(wait_for_server, 1)
    sys.exit("woken after the last cycle")


def connect(directory):
    requests = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        requests.connect(os.path.join(directory, "jack_0"))
        print("connected")
    except OSError as error:
        print(errno.errorcode[error.errno])


if __name__ == "__main__":
    {"serve": serve, "play": play, "connect": connect}[sys.argv[1]](sys.argv[2])
