/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Backing ids: memory that is registered with the kernel, which then serves an inode's mappings
 * from it.
 *
 * Ids belong to the connection and outlive the process that asked for them. The kernel gives each a
 * higher one than the last. The exchange learns of an id before the namespace does, and the
 * namespace keeps those that it has: so whatever a server left behind that died in between is one
 * of two ids, or none.
 */
#ifndef SHMFS_FUSE_BACKING_H
#define SHMFS_FUSE_BACKING_H

#include "channel.h"

/* Registers a descriptor's memory, for the namespace (struct shmfs_os): an id above 0, or a
 * negative errno of the ioctl. */
int backing_open(struct channel *channel, int fd);
void backing_close(const struct channel *channel, int backing);

/* Closes an id that nobody knows, as a server that died may have left one. */
void backing_close_stray(const struct channel *channel);

#endif
