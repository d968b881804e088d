# SPDX-License-Identifier: BSD-2-Clause
"""Uses objects without names as programs do that pass descriptors around: unnamed_user.py ROLE

Each role but `answer` is one behaviour; it prints "done" when it was as it should be. `answer` is the
program at the other end of the socket that is its standard input.
"""

import array
import errno
import mmap
import os
import socket
import subprocess
import sys

SHM = "/dev/shm"
SIZE = 1 << 20
# As many as the tensors of a batch, and each the size of a small one.
MANY, SMALL = 500, 3648
AT_ONCE = 100


def expect(what, wanted, got):
    if wanted != got:
        sys.exit(f"{what}: expected {wanted!r}, got {got!r}")


def map_all(fd):
    return mmap.mmap(fd, os.fstat(fd).st_size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)


def fill(fd, value):
    with map_all(fd) as shared:
        shared[:] = bytes([value]) * len(shared)


def expect_filled(what, fd, value):
    with map_all(fd) as shared:
        size = len(shared)
        expect(f"{what}, through a mapping", bytes([value]) * size, shared[:])
    expect(f"{what}, through read", bytes([value]) * size, os.pread(fd, size + 1, 0))


def start_answerer():
    mine, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen([sys.executable, __file__, "answer"], stdin=others)
    others.close()
    return process, mine


def pass_on(channel, value, descriptors):
    """To the other program, and waits until it has answered."""
    channel.sendmsg(
        [bytes([value])],
        [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))],
    )
    expect("answer", b"answered", channel.recv(100))


def role_answer():
    """What comes must be full of the value said, and becomes full of one more."""
    channel = socket.socket(fileno=os.dup(0))
    while True:
        data, ancillary, _, _ = channel.recvmsg(1, socket.CMSG_SPACE(AT_ONCE * 4))
        if not data:
            return
        descriptors = array.array("i")
        descriptors.frombytes(ancillary[0][2])
        for fd in descriptors:
            expect_filled("what was passed", fd, data[0])
            fill(fd, data[0] + 1)
            os.close(fd)
        channel.sendall(b"answered")


def end(process, channel):
    channel.close()
    expect("status of the other program", 0, process.wait(timeout=30))


def expect_unnamed(fd):
    expect("links", 0, os.fstat(fd).st_nlink)
    expect("names", [], os.listdir(SHM))


def new_unnamed(flags):
    fd = os.open(SHM, os.O_TMPFILE | os.O_RDWR | flags, 0o600)
    expect("size of a new object", 0, os.fstat(fd).st_size)
    os.ftruncate(fd, SIZE)
    expect_unnamed(fd)
    return fd


def give_name(fd, name):
    # With a directory given, Python calls linkat and follows the link in /proc.
    directory = os.open(SHM, os.O_RDONLY | os.O_DIRECTORY)
    os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=directory, follow_symlinks=True)
    os.close(directory)


def removed_objects_are_passed_on():
    process, channel = start_answerer()
    descriptors = []
    for i in range(MANY):
        path = f"{SHM}/torch_{os.getpid()}_{i}"
        descriptors.append(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        os.unlink(path)
        os.ftruncate(descriptors[-1], SMALL)
        fill(descriptors[-1], 3)
    expect_unnamed(descriptors[0])
    for first in range(0, MANY, AT_ONCE):
        pass_on(channel, 3, descriptors[first : first + AT_ONCE])
    for fd in descriptors:
        expect_filled("what came back", fd, 4)
        os.close(fd)
    end(process, channel)


def tmpfile_is_passed_on():
    process, channel = start_answerer()
    fd = new_unnamed(os.O_EXCL)
    fill(fd, 7)
    pass_on(channel, 7, [fd])
    expect_filled("what came back", fd, 8)
    expect_unnamed(fd)
    end(process, channel)


def tmpfile_outlives_its_descriptor_in_a_mapping():
    fd = new_unnamed(0)
    shared = map_all(fd)
    os.close(fd)
    shared[:] = b"m" * SIZE
    expect("bytes", b"m" * SIZE, shared[:])


def tmpfile_gets_a_name():
    fd = new_unnamed(0)
    fill(fd, 9)
    give_name(fd, "named")
    expect("links", 1, os.fstat(fd).st_nlink)
    named = os.open(f"{SHM}/named", os.O_RDWR)
    expect("number", os.fstat(fd).st_ino, os.fstat(named).st_ino)
    expect_filled("named object", named, 9)
    os.unlink(f"{SHM}/named")
    expect_unnamed(fd)


def exclusive_tmpfile_gets_no_name():
    fd = new_unnamed(os.O_EXCL)
    try:
        give_name(fd, "named")
    except OSError as error:
        expect("error of linkat", "ENOENT", errno.errorcode[error.errno])
    else:
        sys.exit("an object opened with O_EXCL got a name")


if __name__ == "__main__":
    if sys.argv[1] == "answer":
        role_answer()
    else:
        globals()[sys.argv[1]]()
        print("done")
