# SPDX-License-Identifier: BSD-2-Clause
"""Uses Python's multiprocessing.shared_memory as programs do: shared_memory_user.py ROLE [ARGUMENT...]

Each role that needs no argument is one behaviour; it prints "done" when it was as it should be.
Roles with arguments are the other process of such a behaviour, started as a program of its own.
"""

import errno
import multiprocessing
import subprocess
import sys
import time
from multiprocessing import resource_tracker
from multiprocessing.managers import SharedMemoryManager
from multiprocessing.shared_memory import ShareableList, SharedMemory

MIB = 1 << 20
LIMIT = 64 * MIB
SIZE = MIB + 4097


def pattern(seed, size=SIZE):
    return bytes((seed + i * 7) % 251 for i in range(251)) * (size // 251) + bytes(size % 251)


def attach(name):
    """Attaches without owning: otherwise this process's resource tracker would unlink the object."""
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    shm = SharedMemory(name)
    resource_tracker.unregister(shm._name, "shared_memory")
    return shm


def start(role, *arguments):
    return subprocess.Popen([sys.executable, __file__, role, *arguments])


def expect(what, wanted, got):
    if wanted != got:
        sys.exit(f"{what}: expected {wanted!r}, got {got!r}")


def expect_done(process):
    expect(f"status of {process.args[2:]}", 0, process.wait(timeout=30))


def expect_errno(what, wanted, action):
    try:
        action()
    except OSError as error:
        expect(what, errno.errorcode[wanted], errno.errorcode[error.errno])
    else:
        sys.exit(f"{what}: expected {errno.errorcode[wanted]}, got no error")


def expect_answer(shm):
    expect("the other process's bytes", pattern(2), bytes(shm.buf[:SIZE]))


def answer(shm):
    """Called in the other process: what is there must be pattern 1, and becomes pattern 2."""
    expect("the first process's bytes", pattern(1), bytes(shm.buf[:SIZE]))
    shm.buf[:SIZE] = pattern(2)
    shm.close()


def answer_by_name(name):
    answer(SharedMemory(name))


def wait_for_byte(shm, index, value):
    deadline = time.monotonic() + 20
    while shm.buf[index] != value:
        if time.monotonic() > deadline:
            sys.exit(f"byte {index} did not become {value}")
        time.sleep(0.001)


def role_answer(name):
    answer(attach(name))


def role_count(name):
    shm = attach(name)
    for value in range(1, 101):
        wait_for_byte(shm, 0, value)
        shm.buf[4096] = value
    shm.close()


def role_edit_list(name):
    shared = ShareableList(name=name)
    resource_tracker.unregister(shared.shm._name, "shared_memory")
    expect("list", ["text", 1, 2.5, None, b"bytes", True], list(shared))
    shared[0] = "edit"
    shared[1] += 41
    shared.shm.close()


def independent_program_exchanges_data():
    shm = SharedMemory(create=True, size=SIZE)
    expect("size", SIZE, shm.size)
    expect("new bytes", bytes(SIZE), bytes(shm.buf))
    shm.buf[:] = pattern(1)
    expect_done(start("answer", shm.name))
    expect_answer(shm)
    shm.close()
    shm.unlink()
    expect_errno("attaching after unlink", errno.ENOENT, lambda: SharedMemory(shm.name))


def independent_program_sees_stores_at_once():
    shm = SharedMemory("counted", create=True, size=8192)
    peer = start("count", shm.name)
    for value in range(1, 101):
        shm.buf[0] = value
        wait_for_byte(shm, 4096, value)
    expect_done(peer)
    shm.close()
    shm.unlink()


def child_exchanges_data(method):
    shm = SharedMemory(create=True, size=SIZE)
    shm.buf[:] = pattern(1)
    context = multiprocessing.get_context(method)
    child = context.Process(target=answer_by_name, args=(shm.name,))
    child.start()
    child.join(30)
    expect("child's status", 0, child.exitcode)
    expect_answer(shm)
    shm.close()
    shm.unlink()


def forked_child_exchanges_data():
    child_exchanges_data("fork")


def spawned_child_exchanges_data():
    child_exchanges_data("spawn")


def forked_child_inherits_the_mapping():
    shm = SharedMemory(create=True, size=SIZE)
    shm.buf[:] = pattern(1)
    child = multiprocessing.get_context("fork").Process(target=answer, args=(shm,))
    child.start()
    child.join(30)
    expect("child's status", 0, child.exitcode)
    expect_answer(shm)
    shm.close()
    shm.unlink()


def mapping_outlives_the_name():
    shm = SharedMemory("unnamed", create=True, size=SIZE)
    shm.buf[:] = pattern(1)
    other = SharedMemory("unnamed")
    shm.unlink()
    again = SharedMemory("unnamed", create=True, size=100)
    answer(other)
    expect_answer(shm)
    expect("object of the same name", bytes(100), bytes(again.buf[:100]))
    again.close()
    again.unlink()
    shm.close()


def creating_an_existing_name_is_refused():
    shm = SharedMemory("taken", create=True, size=1)
    expect_errno(
        "creating again", errno.EEXIST, lambda: SharedMemory("taken", create=True, size=1)
    )
    shm.close()
    shm.unlink()


def shareable_list_is_edited_by_another_program():
    shared = ShareableList(["text", 1, 2.5, None, b"bytes", True])
    expect_done(start("edit_list", shared.shm.name))
    expect("list", ["edit", 42, 2.5, None, b"bytes", True], list(shared))
    shared.shm.close()
    shared.shm.unlink()


def fill_slice(name, index):
    shm = SharedMemory(name)
    shm.buf[index * 1000 : (index + 1) * 1000] = bytes([index]) * 1000
    shm.close()
    return index


def double_list(shared):
    for index, value in enumerate(shared):
        shared[index] = value * 2


def manager_gives_and_takes_back():
    with SharedMemoryManager() as manager:
        shm = manager.SharedMemory(size=10000)
        shared = manager.ShareableList(range(100))
        with multiprocessing.Pool(2) as pool:
            done = pool.starmap(fill_slice, [(shm.name, index) for index in range(10)])
        expect("slices", list(range(10)), done)
        wanted = b"".join(bytes([index]) * 1000 for index in range(10))
        expect("bytes of the pool", wanted, bytes(shm.buf[:10000]))
        child = multiprocessing.Process(target=double_list, args=(shared,))
        child.start()
        child.join(30)
        expect("list", list(range(0, 200, 2)), list(shared))
        names = [shm.name, shared.shm.name]
    for name in names:
        expect_errno("attaching after the manager", errno.ENOENT, lambda: SharedMemory(name))


def add_to_array(array):
    for _ in range(500):
        with array.get_lock():
            for index in range(0, len(array), 1000):
                array[index] += 1


def locked_array_is_shared():
    """An Array lives in an object that loses its name before it gets its size."""
    array = multiprocessing.Array("l", 100000)
    children = [multiprocessing.Process(target=add_to_array, args=(array,)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        expect("child's status", 0, child.exitcode)
    expect("sums", [1000] * 100, array[::1000])


def too_large_is_an_error_at_creation():
    expect_errno(
        "creating beyond the limit",
        errno.ENOSPC,
        lambda: SharedMemory("large", create=True, size=2 * LIMIT),
    )
    expect_errno("what is left of it", errno.ENOENT, lambda: SharedMemory("large"))


def full_mount_is_usable_to_the_last_byte():
    shm = SharedMemory("full", create=True, size=LIMIT)
    expect_errno(
        "creating when it is full", errno.ENOSPC, lambda: SharedMemory("more", create=True, size=1)
    )
    shm.buf[:] = b"\xa5" * LIMIT
    expect("last byte", 0xA5, shm.buf[LIMIT - 1])
    shm.close()
    shm.unlink()


def main(role, *arguments):
    if arguments:
        globals()[f"role_{role}"](*arguments)
    else:
        globals()[role]()
        print("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
