#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Batches of numpy arrays through shared memory, as a loader of training data hands them on.

A worker makes a segment for each batch and fills it; this process attaches it, reads all of it and
removes it. Prints the milliseconds of one batch of as many MiB as the argument says.
"""

import multiprocessing
import sys
import time
from multiprocessing import resource_tracker, shared_memory

import numpy

AHEAD = 2  # batches that are ready while one is read
WARM = 2


def view(segment, size):
    return numpy.ndarray((size // 8,), dtype=numpy.float64, buffer=segment.buf)


def make_batch(size, number):
    segment = shared_memory.SharedMemory(create=True, size=size)
    view(segment, size)[:] = number
    name = segment.name
    segment.close()
    # Whoever attaches it removes it.
    resource_tracker.unregister("/" + name, "shared_memory")
    return name


def work(size, count, ready, room):
    for number in range(count):
        room.acquire()
        ready.put(make_batch(size, number))


def read_batch(name, size, number):
    segment = shared_memory.SharedMemory(name)
    mean = view(segment, size).mean()
    segment.close()
    segment.unlink()
    if mean != number:
        sys.exit(f"batch {number} has {mean}")


def main():
    size = int(float(sys.argv[1]) * 1024 * 1024)
    count = WARM + max(4, min(200, (1 << 30) // size))
    ready, room = multiprocessing.Queue(), multiprocessing.Semaphore(AHEAD)
    worker = multiprocessing.Process(target=work, args=(size, count, ready, room))
    worker.start()
    for number in range(count):
        if number == WARM:
            start = time.monotonic()
        read_batch(ready.get(), size, number)
        room.release()
    print(f"{(time.monotonic() - start) * 1e3 / (count - WARM):.3f}")
    worker.join()


if __name__ == "__main__":
    main()
