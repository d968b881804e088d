/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of objects, and the descriptors by which it is reached.
 *
 * A descriptor is no more than a cache. Where they run short, memory gets a name, by which it is
 * opened again when it is needed, and the one that was not asked for for the longest time closes.
 * What else holds memory stays as it is: mappings, and what is registered with the kernel, which
 * serves an object's mappings and needs no descriptor here. Memory that cannot have a name, a
 * memfd, keeps its descriptor.
 *
 * A name is the node's id, so none is used twice, and removing one that is not there does no harm.
 * It is noted before it is made, and removed once the end of its memory is final (txn.h): so a
 * process that dies in between leaves no name without a node, and no node without its memory.
 *
 * Descriptors close between transactions alone: one that a transaction has noted an effect about
 * stays open until that is taken. So there is room beforehand for all that one transaction opens.
 */
#ifndef SHMFS_MEMORY_H
#define SHMFS_MEMORY_H

#include <stdbool.h>

#include "fs/state/state.h"

static inline bool memory_exists(const struct node *node)
{
	return node->object.fd >= 0 || node->object.named;
}

/* The descriptor of an object's memory, which is made or opened where it has to be. The node is
 * saved then. -ENFILE, -ENOMEM; errors of opening a file. */
int memory_need(struct shmfs *fs, struct node *node);

/* The same for a moment, without a transaction, of memory that exists. */
int memory_borrow(const struct shmfs *fs, const struct node *node);
void memory_return(const struct shmfs *fs, const struct node *node, int fd);

/* Gives large memory its name, which keeps it out of core dumps: they have all memory that has
 * none.
 */
void memory_name_large(struct shmfs *fs, struct node *node, uint64_t size);

/* Closes memory until there is room for what a transaction opens, as far as that can be. */
void memory_make_room(struct shmfs *fs);

#endif
