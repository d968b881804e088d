/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large reads and writes beside each other: where another request waits already, a worker thread
 * moves the bytes of this one, and the loop goes on. Workers only move bytes between a buffer and
 * an object's memory. Everything about the namespace is done by the loop, before and after.
 *
 * Meanwhile the handle stays open and the object keeps its size or grows: the kernel closes nothing
 * before the answer, and lets one write, truncation or allocation of a file at a time come here. A
 * read beside a truncation gets what is left.
 *
 * A server that dies meanwhile has answered nothing: the kernel sends the request to the next one,
 * which moves the same bytes again.
 */
#ifndef SHMFS_TRANSFER_H
#define SHMFS_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server.h"

struct fuse_req;
struct transfer;

/*
 * Takes over a write or a read, if that pays; false: it is to be done at once, and nothing has
 * changed but perhaps the access time. The data of a write stays where the kernel put it, and the
 * next request comes into another place of the journal.
 */
bool transfer_write(
    struct fuse_req *req, const struct shmfs_range *to, const char *data, size_t size);
bool transfer_read(struct fuse_req *req, const struct shmfs_read_request *what);

/* Moves the bytes, and answers a read; in a worker. */
void transfer_move(struct transfer *transfer);

/* The rest, in the loop; the transfer is gone. */
void transfer_end(struct transfer *transfer);

#endif
