/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large reads and writes beside each other: where another request waits already, a worker thread
 * moves the bytes of this one, and the loop goes on. Workers only move bytes to an object's memory,
 * or have the kernel take its pages. Everything about the namespace is done by the loop, before and
 * after.
 *
 * Meanwhile the handle stays open and the object keeps its size or grows: the kernel closes nothing
 * before the answer, and lets one write, truncation or allocation of a file at a time come here. A
 * read beside a truncation gets what is left.
 *
 * A look for a hole or for data passes each page between, so one that may pass many is a worker's,
 * too, whether or not anybody waits. There is one at a time, so that others' work finds a thread,
 * and users have them in turn.
 *
 * A server that dies meanwhile has answered nothing: it leaves the request to the next one, which
 * moves the same bytes again.
 */
#ifndef SHMFS_OPS_TRANSFER_H
#define SHMFS_OPS_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>

#include "fuse/channel.h"

/* Transfers at the same time: as many threads beside the loop as a small machine has use for. */
#define TRANSFERS_MAX 3

/*
 * Takes over a write or a read, if that pays; false: it is to be done at once, and nothing has
 * changed but perhaps the access time. The data of a write stays in its request's slot.
 */
bool transfer_write(
    struct request *request, const struct shmfs_range *to, const char *data, size_t size);
bool transfer_read(struct request *request, const struct shmfs_memory *from);

/* The same for lseek(2). A user with too many that wait is told that all is data. */
bool transfer_seek(struct request *request, const struct shmfs_memory *in, int whence);

/* A caller who waits was sent a signal. */
bool transfer_interrupt(struct channel *channel, uint64_t unique);

#endif
