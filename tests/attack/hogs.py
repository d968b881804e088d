# SPDX-License-Identifier: BSD-2-Clause
"""What three users do to everybody else: each function is a process that never ends by itself."""

import fcntl
import itertools
import mmap
import os
import socket
import struct
import threading
import time

KIB, MIB = 1 << 10, 1 << 20

# Of one user together; on a tmpfs, which has no such limits, hogs keep to them by themselves.
SIZE, NODES = 192 * MIB, 6000


def tolerate(work, *arguments, **options):
    """What is refused is refused."""
    try:
        return work(*arguments, **options)
    except OSError:
        return None


def link_somebody_elses_object(_):
    while True:
        for i in range(NODES // 4):
            tolerate(os.link, "../shared", "l%d" % i)
        for i in range(NODES // 4):
            tolerate(os.unlink, "l%d" % i)


def keep_symlinks_without_names(_):
    held = []
    for i in itertools.count():
        tolerate(os.symlink, "t" * 4000, "s")
        fd = tolerate(os.open, "s", os.O_PATH | os.O_NOFOLLOW)
        tolerate(os.unlink, "s")
        if fd is not None:
            held.append(fd)
        if fd is None or len(held) > NODES // 16:
            while held:
                os.close(held.pop())


def make_objects_of_one_byte(_):
    while True:
        for i in range(NODES // 4):
            fd = tolerate(os.open, "o%d" % i, os.O_CREAT | os.O_RDWR)
            if fd is not None:
                tolerate(os.ftruncate, fd, 1)
                tolerate(os.pwrite, fd, b"x", 0)
                os.close(fd)
        for i in range(NODES // 4):
            tolerate(os.unlink, "o%d" % i)


def rename_deep_trees(_):
    here = os.open(".", os.O_RDONLY)
    os.mkdir("from")
    os.mkdir("from/inside")
    for _depth in range(NODES // 8):
        if tolerate(os.mkdir, "d", dir_fd=here) is None and not tolerate(
            lambda: [os.stat("d", dir_fd=here)]
        ):
            break
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    while True:
        tolerate(os.rename, "from", "x", dst_dir_fd=here)
        tolerate(os.rename, "x", "from", src_dir_fd=here)


def free_large_memory(_):
    while True:
        fd = tolerate(os.open, "large", os.O_CREAT | os.O_RDWR)
        if fd is None:
            continue
        if tolerate(lambda fd=fd: [os.ftruncate(fd, SIZE // 4)]):
            with mmap.mmap(fd, SIZE // 4) as memory:
                for at in range(0, SIZE // 4, 4096):
                    memory[at] = 1
        tolerate(os.ftruncate, fd, 4096)
        os.close(fd)
        tolerate(os.unlink, "large")


def look_for_holes(_):
    fd = os.open("dense", os.O_CREAT | os.O_RDWR)
    os.ftruncate(fd, SIZE // 2)
    with mmap.mmap(fd, SIZE // 2) as memory:
        for at in range(0, SIZE // 2, 4096):
            memory[at] = 1
    while True:
        tolerate(os.lseek, fd, 0, os.SEEK_HOLE)


def expire_names(mount):
    for i in itertools.count():
        name = "e%d" % (i % 500)
        fd = tolerate(os.open, name, os.O_CREAT | os.O_RDWR)
        if fd is not None:
            if mount is not None:
                tolerate(os.setxattr, fd, "user.shmfs.lifetime", b"holders")
            os.close(fd)
        if mount is None:
            tolerate(os.unlink, name)


def lock_and_open(_):
    while True:
        fd = tolerate(os.open, "../shared", os.O_RDWR)
        if fd is not None:
            tolerate(fcntl.flock, fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            os.close(fd)


def ask_the_socket(mount):
    """On a tmpfs, which has none: as much of the processor."""
    calls = [("List", {"probe": True}), ("Holders", {"all": True}), ("ListUsers", {})]
    for i in itertools.count():
        if mount is None:
            tolerate(os.listdir, "..")
            continue
        method, parameters = calls[i % len(calls)]
        try:
            mount.call(method, **parameters)
        except Exception:  # pylint: disable=broad-except
            continue


def take_all_connections(mount):
    while True:
        taken = []
        for _ in range(64):
            if mount is None:
                tolerate(os.stat, "..")
                continue
            one = socket.socket(socket.AF_UNIX)
            tolerate(one.connect, mount.socket)
            tolerate(one.sendall, b'{"method":"org.shmfs.List"')
            taken.append(one)
        for one in taken:
            one.close()


# Of one user, at the same time; and what each of them has done: calls, and seconds in them.
THREADS = 64
TRANSFERS = mmap.mmap(-1, THREADS * 16)


def mean_transfer():
    done = list(struct.iter_unpack("Qd", TRANSFERS))
    if any(calls == 0 for calls, _ in done):
        raise SystemExit("attack: there were fewer threads that transfer")
    return sum(seconds for _, seconds in done) / sum(calls for calls, _ in done)


def transfer_for_ever(number):
    fd = os.open("t%d" % number, os.O_CREAT | os.O_RDWR)
    os.ftruncate(fd, MIB)
    bytes_ = bytearray(MIB)
    part = memoryview(bytes_)[: 256 * KIB]
    seconds = 0
    for calls in itertools.count(2, 2):
        began = time.perf_counter()
        tolerate(os.preadv, fd, [bytes_], 0)
        tolerate(os.pwrite, fd, part, 0)
        seconds += time.perf_counter() - began
        struct.pack_into("Qd", TRANSFERS, number * 16, calls, seconds)


def transfer_by_many_threads(mount):
    """On a tmpfs, by as many as the daemon has to copy what it is asked for."""
    count = THREADS if mount is not None else 1
    threads = [threading.Thread(target=transfer_for_ever, args=[i]) for i in range(count)]
    for thread in threads:
        thread.start()
    threads[0].join()


# By user.
HOGS = {
    2001: [
        link_somebody_elses_object,
        keep_symlinks_without_names,
        rename_deep_trees,
        transfer_by_many_threads,
    ],
    2002: [free_large_memory, look_for_holes, make_objects_of_one_byte],
    2003: [ask_the_socket, take_all_connections, expire_names, lock_and_open],
}
